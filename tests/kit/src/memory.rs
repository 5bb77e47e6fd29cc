//! In-memory implementations of the ports: shared state in a mutex, with the behaviour that the contracts
//! describe. The streams and locks are modelled in `tests/simulation`.

mod accounts;
mod inboxes;
mod outbox;
mod parked_events;
mod placement;
mod store;
mod user_deletions;
mod views;

pub use accounts::MemoryRevocations;
pub use inboxes::{MemoryInboxes, MemoryNotifications};
pub use outbox::MemoryOutbox;
pub use parked_events::MemoryParkedEvents;
pub use placement::MemoryAnnouncer;
pub use store::MemoryStore;
pub use views::{MemoryReadModelWriter, MemoryViews};
