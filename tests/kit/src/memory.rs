//! In-memory implementations of the ports: shared state in a mutex, with the behaviour that the contracts
//! describe. Values that the contracts leave open, such as batch sizes and waiting times, are small.

mod accounts;
mod event_streams;
mod group;
mod inboxes;
mod locks;
mod outbox;
mod parked_events;
mod store;
mod streams;
mod user_deletions;
mod views;

pub use accounts::MemoryRevocations;
pub use event_streams::{MemoryEventStream, MemoryEventStreams, MemoryTail, MemoryTailConnector};
pub use inboxes::{MemoryInboxes, MemoryNotifications};
pub use locks::{MemoryLock, MemoryLocks};
pub use outbox::MemoryOutbox;
pub use parked_events::MemoryParkedEvents;
pub use store::MemoryStore;
pub use streams::{MemoryCommandStreams, MemoryQueue, MemoryReader, MemorySettler, MemoryStreams};
pub use views::{MemoryGeneration, MemoryReadModelWriter, MemoryViews};
