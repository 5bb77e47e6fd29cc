//! Ports for notifications: store, inbox, outbox and transports.

pub mod inbox;
pub mod notification_sink;
pub mod notification_store;
pub mod outbox;
pub mod preferences;
pub mod transport;
pub mod webhooks;
