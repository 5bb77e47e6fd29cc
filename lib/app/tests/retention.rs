//! Tests of retention, on ports that record their calls.

use auction_app::ports::Unavailable;
use auction_app::ports::events::retention::{
    DeletedOutcomes, DeliveryRetention, OutcomeRetention, StreamRetention, Trimmed, TrimmedCommands,
};
use auction_app::ports::people::accounts::{AccountRetention, SweepReport};
use auction_app::writer::retention::{RetentionPolicy, run_retention};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::shutdown_pair;

const NOW: i64 = 1_000_000_000;

const RETENTION: RetentionPolicy = RetentionPolicy {
    commands: Duration::from_secs(10),
    events: Duration::from_secs(20),
    outcomes: Duration::from_secs(3600),
    deliveries: Duration::from_secs(7200),
    pending_sign_ups: Duration::from_secs(60),
    interval: Duration::from_secs(5),
};

#[derive(Debug, PartialEq, Eq)]
enum Call {
    Commands(u16, i64),
    Events(u16, i64),
    Deliveries,
    Outcomes(i64, u64),
    Accounts(i64, i64),
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    /// Number of trim steps that report more entries.
    more: usize,
    /// Number of calls that fail.
    failures: usize,
    oldest_undecided: Option<i64>,
    /// Number of steps that delete deliveries.
    deliveries: u64,
    /// Number of steps of a full scan of the outcomes.
    steps: u64,
}

#[derive(Clone, Default)]
struct RecordingPorts(Arc<Mutex<State>>);

impl RecordingPorts {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn record(&self, call: Call) -> Result<MutexGuard<'_, State>, Unavailable> {
        let mut state = self.state();
        if state.failures > 0 {
            state.failures -= 1;
            return Err(Unavailable::new("redis", "outage by the test"));
        }
        state.calls.push(call);
        Ok(state)
    }
}

impl StreamRetention for RecordingPorts {
    async fn now(&mut self) -> Result<Timestamp, Unavailable> {
        Ok(Timestamp(NOW))
    }

    async fn trim_commands(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> Result<TrimmedCommands, Unavailable> {
        let state = self.record(Call::Commands(partition.0, older_than.0))?;
        let oldest_undecided = state.oldest_undecided.filter(|_| partition.0 == 1).map(Timestamp);
        Ok(TrimmedCommands { oldest_undecided, ..TrimmedCommands::default() })
    }

    async fn trim_events(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> Result<Trimmed, Unavailable> {
        let mut state = self.record(Call::Events(partition.0, older_than.0))?;
        let more = state.more > 0;
        state.more = state.more.saturating_sub(1);
        Ok(Trimmed { removed: 7, more })
    }
}

impl OutcomeRetention for RecordingPorts {
    async fn delete_outcomes(
        &self,
        before: Timestamp,
        retention: Duration,
        from: u64,
    ) -> Result<DeletedOutcomes, Unavailable> {
        assert_eq!(retention, RETENTION.outcomes);
        let state = self.record(Call::Outcomes(before.0, from))?;
        let next = if from + 1 < state.steps { from + 1 } else { 0 };
        Ok(DeletedOutcomes { deleted: 1, next, steps: state.steps })
    }
}

impl DeliveryRetention for RecordingPorts {
    async fn delete_deliveries(&self, keep: Duration) -> Result<u64, Unavailable> {
        assert_eq!(keep, RETENTION.deliveries);
        let mut state = self.record(Call::Deliveries)?;
        let more = state.deliveries;
        state.deliveries = more.saturating_sub(1);
        Ok(more)
    }
}

impl AccountRetention for RecordingPorts {
    async fn sweep(&self, now: Timestamp, undecided_since: Timestamp) -> Result<SweepReport, Unavailable> {
        self.record(Call::Accounts(now.0, undecided_since.0)).map(|_| SweepReport::default())
    }
}

/// Runs retention for this time, and returns its calls.
async fn calls_within(ports: RecordingPorts, time: Duration) -> Vec<Call> {
    let (stopper, stop) = shutdown_pair();
    let partitions = vec![PartitionId(0), PartitionId(1)];
    let supervisor = Supervisor::without_health("retention", stop);
    let running =
        tokio::spawn(run_retention(ports.clone(), ports.clone(), partitions, RETENTION, supervisor));
    tokio::time::sleep(time).await;
    stopper.stop();
    running.await.unwrap();
    std::mem::take(&mut ports.state().calls)
}

fn streams() -> Vec<Call> {
    let of = |partition| [Call::Commands(partition, NOW - 10_000), Call::Events(partition, NOW - 20_000)];
    [of(0), of(1)].into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn retention_removes_everything_at_its_age_in_each_round() {
    let calls = calls_within(RecordingPorts::default(), Duration::from_secs(6)).await;
    let round = || {
        let rest = [Call::Deliveries, Call::Outcomes(NOW - 3_600_000, 0), Call::Accounts(NOW, NOW - 60_000)];
        streams().into_iter().chain(rest)
    };
    assert_eq!(calls, round().chain(round()).collect::<Vec<_>>());
}

/// The undecided command may repeat an earlier one, and must find its outcome.
#[tokio::test(start_paused = true)]
async fn outcome_retention_counts_from_the_oldest_undecided_command() {
    let ports = RecordingPorts::default();
    ports.state().oldest_undecided = Some(NOW - 86_400_000);
    let calls = calls_within(ports, Duration::from_secs(1)).await;
    assert!(calls.contains(&Call::Outcomes(NOW - 86_400_000 - 3_600_000, 0)), "{calls:?}");
}

/// Accounts that users registered during a long outage of the store or the writers must not be deleted.
#[tokio::test(start_paused = true)]
async fn account_retention_counts_from_the_oldest_undecided_command() {
    let ports = RecordingPorts::default();
    ports.state().oldest_undecided = Some(NOW - 86_400_000);
    let calls = calls_within(ports, Duration::from_secs(1)).await;
    assert_eq!(calls.last(), Some(&Call::Accounts(NOW, NOW - 86_400_000 - 60_000)));
}

#[tokio::test(start_paused = true)]
async fn retention_repeats_steps_until_nothing_is_left() {
    let ports = RecordingPorts::default();
    ports.state().more = 3;
    ports.state().deliveries = 5;
    let calls = calls_within(ports, Duration::from_secs(4)).await;
    assert_eq!(calls.iter().filter(|call| **call == Call::Events(0, NOW - 20_000)).count(), 3);
    assert_eq!(calls.iter().filter(|call| **call == Call::Deliveries).count(), 6);
    assert_eq!(calls.iter().filter(|call| matches!(call, Call::Outcomes(..))).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn outcome_scan_takes_a_bounded_number_of_rounds() {
    let ports = RecordingPorts::default();
    ports.state().steps = 1024;
    let calls = calls_within(ports, Duration::from_secs(6 * 258)).await;
    let mut places = calls.iter().filter_map(|call| match call {
        Call::Outcomes(_, from) => Some(*from),
        _ => None,
    });
    assert!((0..1024).eq(places.by_ref().take(1024)), "each part in order");
    assert_eq!(places.next(), Some(0), "then a new scan starts");
}

#[tokio::test(start_paused = true)]
async fn retention_retries_unavailable_backends() {
    let ports = RecordingPorts::default();
    ports.state().failures = 8;
    let calls = calls_within(ports, Duration::from_secs(60)).await;
    assert!(calls.iter().any(|call| matches!(call, Call::Outcomes(..))), "{calls:?}");
}
