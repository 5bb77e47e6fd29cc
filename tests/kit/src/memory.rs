//! The ports in memory: shared state behind a lock, and the contracts' words as they stand. What they
//! leave open (batch sizes, waiting times) is small.

mod accounts;
mod deletions;
mod feeds;
mod group;
mod inboxes;
mod locks;
mod outbox;
mod parked;
mod store;
mod streams;
mod views;

pub use accounts::MemoryRevocations;
pub use feeds::{MemoryEventStream, MemoryEventStreams, MemoryTail, MemoryTailConnector};
pub use inboxes::{MemoryInboxes, MemoryNotifications};
pub use locks::{MemoryLock, MemoryLocks};
pub use outbox::MemoryOutbox;
pub use parked::MemoryParkedEvents;
pub use store::MemoryStore;
pub use streams::{Fields, MemoryCommandStreams, MemoryQueue, MemoryReader, MemorySettler, MemoryStreams};
pub use views::{MemoryGeneration, MemoryViewStore, MemoryViews};
