//! Carries notifications out of the house: to webhooks by HTTP. Each is an adapter of
//! [`auction_app::ports::courier`], and makes one attempt at a time; when there is another is not its business.

mod guard;
mod webhook;

pub use webhook::WebhookCourier;
