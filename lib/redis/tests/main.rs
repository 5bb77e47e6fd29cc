//! Tests of the Redis adapters on a real Redis. They are one program, because each further program takes
//! longer to build than its tests take to run. The tests of the functions for redis-cli (`functions`) are
//! another program, because they keep Redis busy on purpose.

#![allow(clippy::unwrap_used)]

mod command_queue;
mod connection_checks;
mod crash_tracking;
mod durability;
mod foreign_keys;
mod generations;
mod inbox_cache;
mod partition_lock;
mod rate_limit;
mod read_models;
mod retention;
mod stream_harness;
mod stream_repair;
mod stream_stats;
mod streams;
