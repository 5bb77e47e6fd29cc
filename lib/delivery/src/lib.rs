//! Carries notifications out of the house: to webhooks by HTTP, and by e-mail. Each is an adapter of
//! [`auction_app::ports::notifications::transport`], and makes one attempt at a time; when there is another is not its business.

mod smtp;
mod ssrf_guard;
mod webhook;

pub use smtp::{SmtpError, SmtpTransport};
pub use webhook::WebhookTransport;
