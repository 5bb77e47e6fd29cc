//! The notifier: notifies users about their bids and auctions.
//!
//! The [`Notifier`] of a partition folds its events and creates notifications of the kinds that
//! [`auction_domain::user::NotificationKind`] declares. They are stored in one transaction with its
//! checkpoint as outgoing, in the partition of the events. The [`InboxPlacer`] of each user partition reads
//! them there and places them in the inboxes, so each is placed exactly once. Then they are delivered at least
//! once, and receivers ignore repeats.
//!
//! A changed highest bid concerns all bidders of an auction. Therefore the notifier lingers before it reads:
//! all changes in a batch become one notification per bidder, with the latest state and the status of that
//! bidder.
//!
//! Users read their inbox through [`InboxReader`], from a cache that is filled from the stored inbox on
//! demand.

pub mod email;
mod event_handler;
mod inbox_placer;
mod inbox_reader;
mod leading_bid;
pub mod outbox;
mod pending;
mod placement_signals;
pub mod webhooks;

pub use event_handler::{Notifier, NotifierConfig};
pub use inbox_placer::{InboxPlacer, PlacerConfig};
pub use inbox_reader::InboxReader;
pub use placement_signals::{PlacementSignal, PlacementSignals};
