//! Users are told by HTTP, by the rules of Standard Webhooks (<https://www.standardwebhooks.com>).
//!
//! [`WebhookRegistry`] is how users set where; what is sent, and when again, is in [`crate::notifier::outbox`]. [`WebhookSecrets`] sign
//! it, [`UrlPolicy`] says which addresses the portal goes to for a user, and [`payload`] is what it says.

pub mod payload;
mod registry;
mod secret;
mod url_policy;

pub use registry::{WebhookConfig, WebhookRegistry};
pub use secret::{WebhookSecret, WebhookSecrets};
pub use url_policy::{UrlError, UrlPolicy};
