//! Keeping house: what is old goes, in short steps, as long as a writer runs.
//!
//! | what | goes when | never goes |
//! |---|---|---|
//! | commands on their streams | decided, and older than that | undecided |
//! | events on their streams | older than that; readers that need one get it from the store | the last one |
//! | what was sent out of the house | delivered or given up longer ago than that | what is pending |
//! | outcomes | the command was received longer ago than the retention | see [`outcomes_before`] |
//! | accounts whose users never came to be | the command was refused, or is from before the oldest undecided one | of users |
//! | sessions | they are over | before |
//!
//! Dead letters stay until an operator sends them again or drops them. All of it may be done by any number
//! of processes at once: a step that finds nothing does nothing.

use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::events::retention::{
    DeletedOutcomes, DeliveryRetention, OutcomeRetention, StreamRetention, Trimmed,
};
use crate::ports::people::accounts::AccountRetention;
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::time::Duration;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Between two steps on the same stream or table: whoever else waits for it gets his turn, and the guard
/// of a lane's transaction, which trimming touches, holds in between.
const PAUSE: Duration = Duration::from_millis(100);

/// All outcomes are looked through in about so many rounds, or in fewer if there are few.
const ROUNDS: u64 = 256;

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Decided commands on their streams, for operators to look at.
    pub commands: Duration,
    /// Events on their streams, for readers that are behind.
    pub events: Duration,
    /// Outcomes: so long a command that is given again has the same answer.
    pub outcomes: Duration,
    /// What was sent out of the house, for those it was sent to to look at and to have sent again.
    pub deliveries: Duration,
    /// From when an account is kept to when its command is on its stream it takes less.
    pub sign_ups: Duration,
    /// So often is looked whether anything is to go.
    pub every: Duration,
}

/// Keeps house until it is time to stop. Servers that are away are waited for without end.
pub async fn run_retention(
    mut streams: impl StreamRetention,
    store: impl OutcomeRetention + DeliveryRetention + AccountRetention,
    partitions: Vec<PartitionId>,
    retention: RetentionPolicy,
    health: HealthHandle,
    mut stop: ShutdownSignal,
) {
    let mut retry = Retry::default();
    let mut sweep = DeletedOutcomes::default();
    while !stop.requested() {
        match round(&mut streams, &store, &partitions, &retention, &mut sweep, &mut stop).await {
            Ok(()) => {
                retry.succeeded();
                health.set_up();
                stop.sleep(retention.every).await;
            }
            Err(error) => {
                let wait = retry.next_wait();
                health.set_waiting(&error, retry.attempts());
                tracing::warn!(%error, ?wait, "waiting, then keeping house");
                stop.sleep(wait).await;
            }
        }
    }
}

/// Trims all streams, deletes what was sent long ago, then outcomes in the part of them that is next, and
/// looks after accounts.
async fn round(
    streams: &mut impl StreamRetention,
    store: &(impl OutcomeRetention + DeliveryRetention + AccountRetention),
    partitions: &[PartitionId],
    retention: &RetentionPolicy,
    sweep: &mut DeletedOutcomes,
    stop: &mut ShutdownSignal,
) -> Result<(), Unavailable> {
    let now = streams.now().await?;
    let mut oldest_undecided = now;
    loop {
        let mut more = false;
        for partition in partitions.iter().copied() {
            let commands = streams.trim_commands(partition, before(now, retention.commands)).await?;
            let events = streams.trim_events(partition, before(now, retention.events)).await?;
            oldest_undecided =
                commands.oldest_undecided.map_or(oldest_undecided, |at| at.min(oldest_undecided));
            for (stream, Trimmed { removed, more: rest }) in
                [("commands", commands.trimmed), ("events", events)]
            {
                instrumentation::trimmed(partition, stream, removed);
                more |= rest;
            }
        }
        if !more || stop.requested() {
            break;
        }
        stop.sleep(PAUSE).await;
    }
    while store.delete_deliveries(retention.deliveries).await? > 0 && !stop.requested() {
        stop.sleep(PAUSE).await;
    }
    let before = outcomes_before(oldest_undecided, retention.outcomes);
    // More than one step in a round, if it takes many to look through all of them.
    for _ in 0..(sweep.steps / ROUNDS).max(1) {
        if stop.requested() {
            break;
        }
        *sweep = store.delete_outcomes(before, retention.outcomes, sweep.next).await?;
        instrumentation::outcomes_deleted(sweep.deleted);
        stop.sleep(PAUSE).await;
    }
    // What was given before the oldest command that waits, and has no outcome, was never sent.
    let swept = store.sweep(now, self::before(oldest_undecided, retention.sign_ups)).await?;
    instrumentation::accounts_swept(swept.removed);
    Ok(())
}

fn before(now: Timestamp, keep: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
}

/// The outcomes of commands that were received before may go. It is counted from the oldest command that
/// waits for its decision, not from now: if that one is the repeat of an earlier command, and was given
/// within the retention, then it finds the outcome, however long it has to wait.
fn outcomes_before(oldest_undecided: Timestamp, retention: Duration) -> Timestamp {
    before(oldest_undecided, retention)
}
