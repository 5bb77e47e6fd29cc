//! The adapters for Redis, on a real one. One program: each more takes longer to build than its tests take to run.
//! But for the functions for redis-cli (`functions`), which keep a Redis busy on purpose.

#![allow(clippy::unwrap_used)]

mod command_queue;
mod crash_tracking;
mod durability;
mod foreign_keys;
mod generations;
mod inbox_cache;
mod partition_lock;
mod rate_limit;
mod read_models;
mod retention;
mod stream_stats;
mod streams;
mod streams_bench;
