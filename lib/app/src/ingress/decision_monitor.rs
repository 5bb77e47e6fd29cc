//! Observes whether the commands that this ingress accepts are decided.
//!
//! A partition is served while a writer owns it, and while commands that wait are decided. One
//! task observes all partitions. A partition that is not served shows in the health of the process; an
//! ingress of which no partition is served for longer is not ready for load balancers.

use crate::ports::commands::decision_probe::{DecisionProbe, PartitionDecisions};
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use worker_runtime::Supervisor;

/// Interval at which the partitions are observed.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// Time after which a partition that is not served shows in the health.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Time since when no command can be decided, shared by all clones.
#[derive(Clone, Debug)]
pub struct DecisionStatus(Arc<Mutex<Instant>>);

impl Default for DecisionStatus {
    fn default() -> DecisionStatus {
        DecisionStatus(Arc::new(Mutex::new(Instant::now())))
    }
}

impl DecisionStatus {
    /// Returns the time since at least one partition was served, or since the start.
    pub fn since_served(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn set(&self, last_served: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last_served;
    }
}

/// Last times at which a partition was seen to be served.
#[derive(Clone, Copy, Debug)]
struct Observed {
    last_owned: Instant,
    /// Last time at which no command waited or one was decided.
    last_decided: Instant,
    decided: Option<u64>,
}

impl Observed {
    fn new(now: Instant) -> Observed {
        Observed { last_owned: now, last_decided: now, decided: None }
    }

    fn update(&mut self, now: Instant, sample: &PartitionDecisions) {
        if sample.has_writer {
            self.last_owned = now;
        }
        // An unknown number counts as progress: it is unknown after streams were lost, for a short time.
        if sample.undecided == 0 || sample.decided.is_none() || sample.decided != self.decided {
            self.last_decided = now;
        }
        self.decided = sample.decided;
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
        let samples = match probe.sample().await {
            Ok(samples) => samples,
            Err(error) => {
                supervisor.failed(&error).await;
                continue;
            }
        };
        let now = Instant::now();
        for sample in &samples {
            observed.entry(sample.partition).or_insert_with(|| Observed::new(now)).update(now, sample);
        }
        if let Some(last) = observed.values().map(Observed::last_served).max() {
            status.set(last);
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
        }
    }

    #[tokio::test(start_paused = true)]
    async fn partition_is_not_served_without_a_writer_or_without_decisions() {
        let (samples, receiver) = watch::channel(vec![sample(0, 0), sample(1, 0)]);
        let (health, (_trigger, stop)) = (Health::default(), shutdown_pair());
        let (status, supervisor) =
            (DecisionStatus::default(), Supervisor::new(health.register("decisions"), stop));
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
}
