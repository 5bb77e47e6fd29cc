//! Shared test support.
//!
//! * [`base_backup`]: base backups of Postgres.
//! * [`free_address`]: addresses for processes that are started and restarted.
//! * [`local_servers`]: one real Redis and one real Postgres per test binary, with a separate database per
//!   test.
//! * [`memory`]: in-memory implementations of the ports.
//! * [`contract`]: one suite per port, run against every adapter.
//! * [`fixtures`]: sample commands, events and outcomes.
//! * [`random`]: seeded random numbers.
//! * [`reference_page`]: pages of `docs/reference` that are generated from the code.
//!
//! Functions that return no error panic on failure, as tests do.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod base_backup;
pub mod contract;
pub mod fixtures;
pub mod free_address;
pub mod local_servers;
pub mod memory;
pub mod random;
pub mod reference_page;
