//! Webhooks, as specified by Standard Webhooks (<https://www.standardwebhooks.com>).
//!
//! * [`WebhookRegistry`] manages the webhooks of users.
//! * [`payload`] creates the request body.
//! * [`WebhookSecrets`] derives the secrets that sign requests.
//! * [`UrlPolicy`] decides which addresses the portal calls.
//!
//! [`crate::notifier::outbox`] sends and retries the requests.

pub mod payload;
mod registry;
mod secret;
mod url_policy;

pub use registry::{WebhookConfig, WebhookRegistry};
pub use secret::{WebhookSecret, WebhookSecrets};
pub use url_policy::{UrlError, UrlPolicy};
