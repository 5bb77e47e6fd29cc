//! Users are told by HTTP, by the rules of Standard Webhooks (<https://www.standardwebhooks.com>).
//!
//! [`WebhookDesk`] is how users set where; what is sent, and when again, is in [`crate::send`]. [`Secrets`] sign
//! it, [`Reach`] says which addresses the portal goes to for a user, and [`payload`] is what it says.

mod desk;
pub mod payload;
mod reach;
mod secret;

pub use desk::{Limits, WebhookDesk};
pub use reach::{Reach, UrlError};
pub use secret::{Secret, Secrets};
