//! Users are told what concerns them.
//!
//! The [`Notifier`] of a partition folds its events and makes notifications: that an auction was won, that
//! the highest bid changed, that a bid counts twice. They are stored together with its checkpoint, so each
//! is stored once; then they are delivered, which may happen more than once and shows once.
//!
//! A changed lead concerns everybody who bid, so events are left to gather on the stream before they are told:
//! all changes among them become one notification for each bidder, which says how things stand now and what
//! that means for him.
//!
//! [`Inbox`] is how users read: from a copy near the ingress, which is made from what is stored when
//! somebody asks.

pub mod email;
mod event_handler;
mod inbox_reader;
mod leading_bid;
pub mod outbox;
mod pending;
pub mod webhooks;

pub use event_handler::{Notifier, NotifierConfig};
pub use inbox_reader::InboxReader;
