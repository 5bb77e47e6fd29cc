//! Tests of the use cases on in-memory ports. They are one program, since linking another one takes longer
//! than running its tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::duplicate_mod,
    reason = "a test fails by panicking"
)]

mod auction_history;
mod closing;
mod command_gateway;
mod consume;
mod draws;
mod live_updates;
mod notifier;
mod outbox;
mod parked_events;
mod partition_writer;
mod placement;
mod random_history;
mod rate_limit;
mod read_consistency;
mod retention;
mod running_task;
mod stalled_parts;
mod test_portal;
mod token_cache;
mod user_deletion;
