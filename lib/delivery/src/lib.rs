//! Transports for notifications: webhooks over HTTP, and e-mail over SMTP.
//!
//! Each is an adapter of [`auction_app::ports::notifications::transport`] and makes one attempt per call.
//! Retries are the task of the caller.

mod smtp;
mod ssrf_guard;
mod webhook;

pub use smtp::{SmtpError, SmtpTransport};
pub use webhook::WebhookTransport;
