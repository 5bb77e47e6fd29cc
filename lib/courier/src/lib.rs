//! Carries notifications out of the house: to webhooks by HTTP, and by e-mail. Each is an adapter of
//! [`auction_app::ports::courier`], and makes one attempt at a time; when there is another is not its business.

mod guard;
mod mail;
mod webhook;

pub use mail::{MailCourier, MailError};
pub use webhook::WebhookCourier;
