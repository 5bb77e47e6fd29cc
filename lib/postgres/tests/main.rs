//! Tests of the adapters with a real Postgres. All are one program, because building another one takes longer
//! than its tests.

#![allow(clippy::unwrap_used)]

mod accounts;
mod connection_checks;
mod event_store;
mod migrations;
mod newer_schema;
mod notifications;
mod notifier_steps;
mod outbox;
mod parked_events;
mod partition_lock;
mod pooler;
mod read_models;
mod retention;
mod schema;
mod schema_page;
mod user_deletions;
