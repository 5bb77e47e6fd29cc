//! Use cases of the auction portal. Backends are reached through [`ports`] only.
//!
//! One module per component:
//!
//! * [`ingress`]: accepts commands, serves reads, pushes live updates;
//! * [`writer`]: decides commands, appends events, publishes them with their outcomes, enforces
//!   retention;
//! * [`projector`]: makes read models from events;
//! * [`notifier`]: makes notifications from events and delivers them by webhook and e-mail;
//! * [`auctioneer`]: closes auctions at their end time and completes the deletion of users;
//! * [`promoter`]: draws and doubles bids, and verifies draws.
//!
//! Shared modules:
//!
//! * [`consume`]: event consumers, which pass the events of a partition to the handler of a component;
//! * [`operator`]: use cases of operators: dead letters, stream statistics, verification;
//! * [`instrumentation`]: names and help of all metrics.

pub mod auctioneer;
pub mod consume;
pub mod ingress;
pub mod instrumentation;
mod interruption;
mod monotonic_check;
pub mod notifier;
pub mod operator;
pub mod ports;
pub mod projector;
pub mod promoter;
pub mod writer;
