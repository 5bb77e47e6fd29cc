//! Use cases of the ingress: it accepts commands, serves reads and pushes live updates.

pub mod accounts;
pub mod auction_history;
pub mod coalescing_cache;
pub mod command_gateway;
pub mod decision_monitor;
pub mod live_updates;
pub mod load_shedding;
pub mod rate_limit;
pub mod read_consistency;
