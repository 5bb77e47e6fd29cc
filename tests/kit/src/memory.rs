//! The ports in memory: shared state behind a lock, and the contracts' words as they stand. What they
//! leave open (batch sizes, waiting times) is small.

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
pub use streams::{Fields, MemoryCommandStreams, MemoryQueue, MemoryReader, MemorySettler, MemoryStreams};
pub use views::{MemoryGeneration, MemoryViewStore, MemoryViews};
