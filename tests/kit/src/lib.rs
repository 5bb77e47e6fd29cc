//! What tests share.
//!
//! * [`address`]: addresses for processes that are started and started again;
//! * [`servers`]: one real Redis and one real Postgres for a test binary, a database of its own for each
//!   test;
//! * [`memory`]: the ports in memory, as their contracts say;
//! * [`contract`]: one suite per port, run against every adapter;
//! * [`flaky`]: the ports with injected failures and delays, by seed;
//! * [`given`]: commands, events and outcomes to begin with;
//! * [`rules`]: whether every auction went by the rules;
//! * [`told`]: what users should have been told.
//!
//! Everything here panics when something is wrong, as tests do.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod address;
pub mod contract;
pub mod flaky;
pub mod given;
pub mod memory;
pub mod random;
pub mod rules;
pub mod servers;
pub mod told;
