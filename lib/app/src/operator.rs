//! Use cases of operators: dead letters, stream statistics and verification.

pub mod dead_letters;
pub mod stream_stats;
pub mod verify;
