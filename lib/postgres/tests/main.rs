//! The adapters for Postgres, on a real one. One program: each more takes longer to build than its tests take to run.

#![allow(clippy::unwrap_used)]

mod accounts;
mod event_store;
mod migrations;
mod notifications;
mod outbox;
mod parked_events;
mod partition_lock;
mod read_models;
mod retention;
mod schema;
mod user_deletions;
