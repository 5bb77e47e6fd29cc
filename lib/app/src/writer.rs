//! The writer: turns commands into events and outcomes.
//!
//! Each partition has a partition writer, which runs in a task of its own ([`partition_writer`]). It reads a
//! batch of commands, decides it on cached aggregates ([`decider`]), and appends events and outcomes in one
//! transaction. The transaction fails if another writer appended meanwhile. Then it publishes the events and
//! acknowledges the commands in one transaction, which fails if another writer published meanwhile. After any
//! error the partition writer takes over again from the stored state.
//!
//! | module | content |
//! |---|---|
//! | [`partition_writer`] | the loop of one partition: open, take over, run the stages, retry |
//! | [`takeover`] | publishes stored events and compares the histories before anything is decided |
//! | `stages` | the read stage and the settle stage |
//! | `append_stage` | decides a batch while the previous one is appended; handles failed appends |
//! | `pessimistic` | the same stages one after the other, under a partition lock |
//! | [`decider`] | decides one batch on the state in memory |
//! | [`dispatch`] | selects the aggregate that decides a command |
//! | [`close_clock`] | limits the time of a close to that of this machine |
//! | `removals` | what a close removes first: bids and auctions of barred users |
//! | [`unknown_kinds`] | leaves commands that this program does not know to a newer writer |
//! | `dead_letter` | outcomes and dead letters of commands that cannot be processed |
//! | [`aggregate_cache`], [`active_users`] | the state in memory, bounded |
//! | [`snapshots`] | snapshots of auctions with many events |
//! | [`retention`] | removes old commands, events, outcomes, deliveries and accounts |

pub mod active_users;
pub mod aggregate_cache;
mod append_stage;
pub mod close_clock;
pub(crate) mod dead_letter;
pub mod decider;
pub mod dispatch;
pub mod partition_writer;
mod pessimistic;
mod removals;
pub mod retention;
pub mod snapshots;
mod stages;
pub mod takeover;
pub mod unknown_kinds;
