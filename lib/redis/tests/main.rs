//! The adapters for Redis, on a real one. One program: each more takes longer to build than its tests take to run.
//! But for the functions for redis-cli (`functions`), which keep a Redis busy on purpose.

#![allow(missing_docs, clippy::unwrap_used)]

mod commands_that_end_processes;
mod durability;
mod generations;
mod inboxes;
mod limits;
mod progress;
mod queue;
mod retention;
mod streams;
mod streams_bench;
mod turns;
mod views;
mod what_does_not_belong_here;
