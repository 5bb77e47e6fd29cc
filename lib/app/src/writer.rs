//! Commands become events and outcomes.
//!
//! One lane per partition, each in a task of its own ([`lane`]): read a batch, decide it against cached
//! aggregates ([`decide`]), append events and outcomes in one transaction that only passes if nobody
//! else appended meanwhile, then publish and acknowledge in one transaction that only passes if nobody
//! else published meanwhile. Whatever goes wrong, the lane takes over again from what is stored.
//!
//! | module | what |
//! |---|---|
//! | [`lane`] | the loop of one partition: open, take over, run the stages, wait, begin again |
//! | [`take_over`] | what must hold before anything is decided |
//! | [`stages`] | reading ahead, settling behind |
//! | [`storing`] | deciding the next batch while one is stored; what comes again and why |
//! | [`pessimistic`] | the same by turns, under a lock |
//! | [`decide`] | one batch against the state |
//! | [`rules`] | which aggregate decides |
//! | [`failed`] | what cannot be handled |
//! | [`aggregates`], [`bidders`] | the state, bounded |
//! | [`snapshots`] | the state of large auctions, kept beside their events |

pub mod active_users;
pub mod aggregate_cache;
mod append_stage;
pub(crate) mod dead_letter;
pub mod decider;
pub mod dispatch;
pub mod partition_writer;
mod pessimistic;
pub mod retention;
pub mod snapshots;
mod stages;
pub mod takeover;
