//! Contract tests of the in-memory ports. One test program: building another one takes longer than its tests
//! run.

mod memory_event_store;
mod memory_inboxes;
mod memory_outbox;
mod memory_parked_events;
mod memory_read_models;
mod memory_user_deletions;
