//! Ports for operators: dead letters, parked events and stream statistics.

pub mod dead_letters;
pub mod parked_events;
pub mod stream_stats;
