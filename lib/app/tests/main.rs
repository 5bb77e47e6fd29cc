//! The use cases, on ports in memory. One program: each more takes longer to build than its tests take to run.

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
mod random_history;
mod rate_limit;
mod read_consistency;
mod retention;
mod test_portal;
mod token_cache;
mod user_deletion;
