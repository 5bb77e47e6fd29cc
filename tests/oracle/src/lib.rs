//! Plain model of the portal's rules: the oracle of all tests that need one.
//!
//! * [`auction`]: one auction as a list of bids, sorted for each query. It predicts the outcome of a command, and
//!   checks that an event was allowed.
//! * [`rules`]: the rules of each command and event.
//! * [`draws`]: the rules of the draws.
//! * [`history`]: checks stored events.
//! * [`notifications`]: checks the notifications of stored events.
//!
//! The crate shares ids, value types, commands and events with the domain, but none of its decisions.

#![allow(clippy::unwrap_used)]

pub mod auction;
pub mod draws;
pub mod history;
pub mod notifications;
pub mod rules;
