//! Observes whether the commands that this ingress accepts are decided.
//!
//! A partition is served while a writer owns it, and while commands that wait are decided. One
//! task observes all partitions. A partition that is not served shows in the health of the process; an
//! ingress of which no partition is served for longer is not ready for load balancers.
//!
//! The task also observes up to which time all commands are decided. A command from before that time without an
//! outcome was lost with a backend.

use crate::ports::commands::decision_probe::{DecisionProbe, PartitionDecisions};
use auction_domain::{DurationMs, Timestamp};
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use worker_runtime::{Supervisor, entropy};

/// Interval at which the partitions are observed.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// Time after which a partition that is not served shows in the health.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Longest time from the receipt of a command until it is on its stream, with all retries.
const MAX_DELAY: Duration = Duration::from_secs(120);

/// Observations of all partitions, shared by all clones.
#[derive(Clone, Debug)]
pub struct DecisionStatus {
    decisions: Arc<Mutex<Decisions>>,
    /// Age difference from which a command without an outcome is lost.
    margin: DurationMs,
}

#[derive(Clone, Copy, Debug)]
struct Decisions {
    /// Last time at which at least one partition was served.
    last_served: Instant,
    /// Time up to which the commands of all partitions are decided.
    decided_through: Option<Timestamp>,
}

impl DecisionStatus {
    /// Creates the status. Commands have the times of two clocks, which differ by at most `max_clock_skew`.
    pub fn new(max_clock_skew: Duration) -> DecisionStatus {
        let decisions = Decisions { last_served: Instant::now(), decided_through: None };
        let margin = MAX_DELAY.saturating_add(max_clock_skew).as_millis();
        DecisionStatus {
            decisions: Arc::new(Mutex::new(decisions)),
            margin: DurationMs(u32::try_from(margin).unwrap_or(u32::MAX)),
        }
    }

    /// Returns the time since at least one partition was served, or since the start.
    pub fn since_served(&self) -> Duration {
        self.lock().last_served.elapsed()
    }

    /// Returns whether a command that was received at this time and has no outcome was lost. Look up the
    /// outcome after this call.
    pub fn is_lost(&self, received_at: Timestamp) -> bool {
        self.lock().decided_through.is_some_and(|through| received_at + self.margin < through)
    }

    fn lock(&self) -> MutexGuard<'_, Decisions> {
        // The value is consistent after every operation, so a panic of another holder does no harm.
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Last times at which a partition was seen to be served.
#[derive(Clone, Copy, Debug)]
struct Observed {
    last_owned: Instant,
    /// Last time at which no command waited or one was decided.
    last_decided: Instant,
    decided: Option<u64>,
    /// Time up to which all commands are decided.
    decided_through: Option<Timestamp>,
}

impl Observed {
    fn new(now: Instant) -> Observed {
        Observed { last_owned: now, last_decided: now, decided: None, decided_through: None }
    }

    /// Applies a sample, which was requested at `now`, and at `requested_at` by the clock of this machine.
    fn update(&mut self, now: Instant, requested_at: Timestamp, sample: &PartitionDecisions) {
        if sample.has_writer {
            self.last_owned = now;
        }
        // An unknown number counts as progress: it is unknown after streams were lost, for a short time.
        if sample.undecided == 0 || sample.decided.is_none() || sample.decided != self.decided {
            self.last_decided = now;
        }
        self.decided = sample.decided;
        if sample.all_delivered {
            let oldest = sample.oldest_delivered.unwrap_or(requested_at);
            self.decided_through = Some(oldest.min(requested_at));
        }
    }

    fn last_served(&self) -> Instant {
        self.last_owned.min(self.last_decided)
    }
}

/// Observes the partitions until shutdown.
pub async fn run_decision_monitor(
    mut probe: impl DecisionProbe,
    status: DecisionStatus,
    supervisor: Supervisor,
) {
    let mut observed: BTreeMap<PartitionId, Observed> = BTreeMap::new();
    while !supervisor.stopping() {
        let (now, requested_at) = (Instant::now(), wall_clock());
        let samples = match probe.sample().await {
            Ok(samples) => samples,
            Err(error) => {
                supervisor.failed(&error).await;
                continue;
            }
        };
        for sample in &samples {
            let seen = observed.entry(sample.partition).or_insert_with(|| Observed::new(now));
            seen.update(now, requested_at, sample);
        }
        if let Some(last_served) = observed.values().map(Observed::last_served).max() {
            // None if one partition was never seen without a backlog.
            let decided_through = observed.values().map(|seen| seen.decided_through).min().flatten();
            *status.lock() = Decisions { last_served, decided_through };
        }
        let paused = observed.iter().filter(|(_, seen)| now - seen.last_served() > MAX_PAUSE);
        let paused: Vec<String> = paused.map(|(partition, _)| partition.to_string()).collect();
        if paused.is_empty() {
            supervisor.succeeded();
        } else {
            let partitions = paused.join(", ");
            supervisor.report_failure(&format_args!("no writer decides commands of partitions {partitions}"));
        }
        supervisor.sleep(SAMPLE_INTERVAL).await;
    }
}

/// Returns the time of this machine.
fn wall_clock() -> Timestamp {
    Timestamp(i64::try_from(entropy::clock().as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Unavailable;
    use tokio::sync::watch;
    use worker_runtime::health::{Health, HealthStatus};
    use worker_runtime::shutdown::shutdown_pair;

    struct Probe(watch::Receiver<Vec<PartitionDecisions>>);

    impl DecisionProbe for Probe {
        async fn sample(&mut self) -> Result<Vec<PartitionDecisions>, Unavailable> {
            Ok(self.0.borrow().clone())
        }
    }

    fn sample(partition: u16, undecided: u64) -> PartitionDecisions {
        PartitionDecisions {
            partition: PartitionId(partition),
            has_writer: true,
            undecided,
            decided: Some(5),
            all_delivered: true,
            oldest_delivered: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn partition_is_not_served_without_a_writer_or_without_decisions() {
        let (samples, receiver) = watch::channel(vec![sample(0, 0), sample(1, 0)]);
        let (health, (_trigger, stop)) = (Health::default(), shutdown_pair());
        let (status, supervisor) =
            (DecisionStatus::new(Duration::ZERO), Supervisor::new(health.register("decisions"), stop));
        tokio::spawn(run_decision_monitor(Probe(receiver), status.clone(), supervisor));
        let after = async |seconds| {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            (health.report().checks["decisions"].status.clone(), status.since_served().as_secs())
        };
        let failing = |status: &HealthStatus, partitions: &str| matches!(status, HealthStatus::Waiting { reason, .. } if reason.ends_with(partitions));
        let (shown, since) = after(60).await;
        assert!(shown == HealthStatus::Up && since < 2, "{shown:?} {since}");
        // No writer owns partition 1: the other one is still served.
        let left = PartitionDecisions { has_writer: false, ..sample(1, 0) };
        samples.send_replace(vec![sample(0, 0), left]);
        let (shown, since) = after(15).await;
        assert!(failing(&shown, "partitions 01") && since < 2, "{shown:?} {since}");
        // Commands of partition 0 are read and not decided.
        samples.send_replace(vec![sample(0, 3), left]);
        let (shown, since) = after(15).await;
        assert!(failing(&shown, "partitions 00, 01") && since >= 13, "{shown:?} {since}");
        samples.send_replace(vec![PartitionDecisions { decided: Some(6), ..sample(0, 3) }, sample(1, 0)]);
        assert_eq!(after(2).await.0, HealthStatus::Up);
    }

    #[test]
    fn command_is_lost_when_all_later_ones_are_decided() {
        let (status, at) =
            (DecisionStatus::new(Duration::ZERO), |seconds: u32| Timestamp(0) + DurationMs::seconds(seconds));
        assert!(!status.is_lost(at(0)), "nothing is known yet");
        let mut seen = Observed::new(Instant::now());
        let mut update = |requested_at, sample: PartitionDecisions| {
            seen.update(Instant::now(), requested_at, &sample);
            status.lock().decided_through = seen.decided_through;
        };
        update(at(1000), PartitionDecisions { oldest_delivered: Some(at(500)), ..sample(0, 1) });
        assert!(status.is_lost(at(379)) && !status.is_lost(at(381)), "one of second 500 is pending");
        update(at(2000), PartitionDecisions { all_delivered: false, ..sample(0, 1) });
        assert!(!status.is_lost(at(381)), "commands that are not delivered may be older");
        update(at(2000), sample(0, 0));
        assert!(status.is_lost(at(1879)) && !status.is_lost(at(1881)));
        let tolerant =
            DecisionStatus { margin: DecisionStatus::new(Duration::from_secs(300)).margin, ..status };
        assert!(tolerant.is_lost(at(1579)) && !tolerant.is_lost(at(1581)), "the clocks may differ by 300 s");
    }
}
