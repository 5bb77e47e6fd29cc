//! What tests share.
//!
//! * [`free_address`]: addresses for processes that are started and started again;
//! * [`local_servers`]: one real Redis and one real Postgres for a test binary, a database of its own for each
//!   test;
//! * [`memory`]: the ports in memory, as their contracts say;
//! * [`contract`]: one suite per port, run against every adapter;
//! * [`fault_injection`]: the ports with injected failures and delays, by seed;
//! * [`fixtures`]: commands, events and outcomes to begin with;
//! * [`auction_model`]: whether every auction went by the rules;
//! * [`notification_model`]: what users should have been told.
//!
//! Everything here panics when something is wrong, as tests do.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod auction_model;
pub mod contract;
pub mod fault_injection;
pub mod fixtures;
pub mod free_address;
pub mod local_servers;
pub mod memory;
pub mod notification_model;
pub mod random;
