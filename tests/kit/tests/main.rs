//! The ports in memory keep the contracts of the ports. One program: each more takes longer to build than its tests take to run.

mod memory_event_store;
mod memory_generations;
mod memory_inboxes;
mod memory_locks;
mod memory_outbox;
mod memory_parked_events;
mod memory_read_models;
mod memory_streams;
mod memory_user_deletions;
