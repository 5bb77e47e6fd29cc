//! Ports for notifications: store, placement, inbox, outbox and transports.

pub mod inbox;
pub mod notification_sink;
pub mod notification_store;
pub mod outbox;
pub mod placement;
pub mod preferences;
pub mod transport;
pub mod webhooks;
