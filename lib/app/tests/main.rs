//! The use cases, on ports in memory. One program: each more takes longer to build than its tests take to run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::duplicate_mod,
    reason = "a test fails by panicking"
)]

mod accept;
mod close;
mod deletions;
mod draws;
mod follow;
mod freshness;
mod from_store;
mod history;
mod known_tokens;
mod limits;
mod live;
mod notify;
mod parking;
mod retention;
mod send;
mod world;
mod write_lane;
