//! Retention: removes old data in short steps while a writer runs.
//!
//! | data | removed when | never removed |
//! |---|---|---|
//! | commands on the streams | decided, and older than `commands` | undecided commands |
//! | events on the streams | older than `events` (consumers read older ones from the store) | the last event |
//! | outbox deliveries | finished longer than `deliveries` ago | pending deliveries |
//! | outcomes | received longer than `outcomes` ago, see `outcomes_before` | |
//! | provisional accounts | the command was refused, or is lost (see `pending_sign_ups`) | accounts of users |
//! | sessions | expired | |
//!
//! Dead letters stay until an operator requeues or drops them. Any number of processes can run retention at
//! the same time: a step that finds nothing to remove does nothing.

use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::events::retention::{
    DeletedOutcomes, DeliveryRetention, OutcomeRetention, StreamRetention, Trimmed,
};
use crate::ports::people::accounts::AccountRetention;
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::time::Duration;
use worker_runtime::Supervisor;

/// Pause between two steps on the same stream or table. It lets other clients proceed. Trimming changes the
/// stream that a settle transaction watches, so the settle can only succeed between two steps.
const PAUSE: Duration = Duration::from_millis(100);

/// Number of rounds in which all outcomes are scanned at most.
const ROUNDS: u64 = 256;

/// How long data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Time to keep decided commands on the streams, for operators.
    pub commands: Duration,
    /// Time to keep events on the streams, for consumers that lag.
    pub events: Duration,
    /// Time to keep outcomes. A repeated command gets the same outcome for this time.
    pub outcomes: Duration,
    /// Time to keep finished deliveries, so that users can inspect and replay them.
    pub deliveries: Duration,
    /// Maximum time between storing a provisional account and submitting its command. After it, an account
    /// without a command on the streams is deleted.
    pub pending_sign_ups: Duration,
    /// Time between two rounds.
    pub interval: Duration,
}

/// Runs retention until shutdown. Retries unavailable backends forever.
pub async fn run_retention(
    mut streams: impl StreamRetention,
    store: impl OutcomeRetention + DeliveryRetention + AccountRetention,
    partitions: Vec<PartitionId>,
    retention: RetentionPolicy,
    supervisor: Supervisor,
) {
    let mut sweep = DeletedOutcomes::default();
    while !supervisor.stopping() {
        let round = run_round(&mut streams, &store, &partitions, &retention, &mut sweep, &supervisor);
        if supervisor.attempt(round).await.is_some() {
            supervisor.sleep(retention.interval).await;
        }
    }
}

/// Runs one round: trims all streams, deletes finished deliveries, scans the next part of the outcomes, and
/// sweeps accounts.
async fn run_round(
    streams: &mut impl StreamRetention,
    store: &(impl OutcomeRetention + DeliveryRetention + AccountRetention),
    partitions: &[PartitionId],
    retention: &RetentionPolicy,
    sweep: &mut DeletedOutcomes,
    supervisor: &Supervisor,
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
            supervisor.progressed();
        }
        if !more || supervisor.stopping() {
            break;
        }
        supervisor.sleep(PAUSE).await;
    }
    while store.delete_deliveries(retention.deliveries).await? > 0 && !supervisor.stopping() {
        supervisor.progressed();
        supervisor.sleep(PAUSE).await;
    }
    let before = outcomes_before(oldest_undecided, retention.outcomes);
    // Several steps per round if a full scan takes more than `ROUNDS` steps.
    for _ in 0..(sweep.steps / ROUNDS).max(1) {
        if supervisor.stopping() {
            break;
        }
        *sweep = store.delete_outcomes(before, retention.outcomes, sweep.next).await?;
        instrumentation::outcomes_deleted(sweep.deleted);
        supervisor.progressed();
        supervisor.sleep(PAUSE).await;
    }
    // A command from before the oldest undecided one that has no outcome was never submitted.
    let swept = store.sweep(now, self::before(oldest_undecided, retention.pending_sign_ups)).await?;
    instrumentation::accounts_expired(swept.removed);
    Ok(())
}

fn before(now: Timestamp, keep: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
}

/// Returns the time before which outcomes can be deleted.
///
/// The retention counts back from the oldest undecided command, not from now. If that command repeats an
/// earlier one and was submitted within the retention, its outcome still exists, however long the command
/// waits.
fn outcomes_before(oldest_undecided: Timestamp, retention: Duration) -> Timestamp {
    before(oldest_undecided, retention)
}
