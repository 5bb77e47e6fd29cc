//! Leases: distribute partitions evenly among processes.
//!
//! Every process of a group registers in a sorted set. Each partition has a lease: a key that expires, with
//! the name of its holder. A process acquires free leases up to its share, releases those above its share,
//! and renews the others. A new process gets its share as soon as the others have finished their work in
//! progress. A process that leaves hands over at once. The partitions of a killed process move within the
//! lease's time to live. That holds after the clock of the server was ahead, too: leases and registrations
//! that would last longer are void.
//!
//! **A lease is not a fence.** A process that was paused resumes its work even if another process has
//! acquired the lease; its work is asked to stop in the next round. Until then the work must be safe by other
//! means, such as an optimistic version.
//!
//! Work that this process cannot do, but another one can, hands its partition over ([`WorkEnd::HandOver`]). This
//! process then does not acquire the partition until it may. A partition that stays free for the time of a lease
//! is acquired by any process, also beyond its share; after a minute, or when processes come or go, it counts
//! towards the share again.
//!
//! ```no_run
//! use std::time::Duration;
//! use stream_worker::StreamError;
//! use stream_worker::consumer::fresh_name;
//! use stream_worker::leases::{LeaseOptions, run};
//! use stream_worker::shutdown::{ShutdownSignal, shutdown_pair};
//!
//! async fn work(partition: usize, mut stop: ShutdownSignal) -> Result<(), StreamError> {
//!     println!("partition {partition} is ours"); // open a GroupConsumer and read, until `stop` is requested
//!     stop.wait().await;
//!     Ok(())
//! }
//!
//! # async fn example() -> Result<(), StreamError> {
//! let server = redis::Client::open("redis://127.0.0.1/")?;
//! let options = LeaseOptions {
//!     members_key: "mailers".to_owned(),
//!     lease_keys: (0..4).map(|partition| format!("{{{partition}}}:lease")).collect(),
//!     name: fresh_name(),
//!     lease_ttl: Duration::from_secs(5),
//! };
//! let (trigger, stop) = shutdown_pair();
//! // `trigger.stop()`, from a signal handler, ends all work and then `run`.
//! run(&server, options, stop, |_| {}, work).await
//! # ; drop(trigger); Ok(()) }
//! ```

mod round;

use crate::{Connect, StreamError};
use round::{LeaseRound, Leases, RenewalFailed};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinSet};
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger, shutdown_pair};

/// Longest time between two rounds, and so the longest time that a free partition waits for a process.
const ROUND_INTERVAL: Duration = Duration::from_millis(500);

/// Configuration of [`run`]: the partitions and the group of processes.
#[derive(Clone, Debug)]
pub struct LeaseOptions {
    /// Key of the sorted set in which all processes register.
    pub members_key: String,
    /// Key of the lease of each partition, by partition index.
    pub lease_keys: Vec<String>,
    /// Name of this process. No other process may ever have used it; see [`crate::consumer::fresh_name`].
    pub name: String,
    /// Time to live of a lease without renewal, at least one second. This is how long the partitions of a
    /// killed process stand still.
    pub lease_ttl: Duration,
}

/// How the work on a partition ended.
pub enum WorkEnd {
    /// The work is done, or was asked to stop.
    Done,
    /// Another process must do the work. This process does not acquire the partition until the future
    /// completes.
    HandOver(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl From<()> for WorkEnd {
    fn from((): ()) -> WorkEnd {
        WorkEnd::Done
    }
}

/// Task that works on one partition.
struct PartitionTask {
    trigger: ShutdownTrigger,
    /// Whether the task was asked to stop.
    stopping: bool,
}

/// Running tasks by partition.
struct Tasks<E> {
    running: BTreeMap<usize, PartitionTask>,
    tasks: JoinSet<(usize, Result<WorkEnd, E>)>,
}

/// Runs `work` on this process's share of the partitions until `stop` is triggered.
///
/// `work` is called with the index of a partition and a signal, and its future runs as a task. The signal is
/// triggered when the partition must move to another process, or its lease could not be renewed in time. The
/// future must then finish its work in progress and return; the lease is released afterwards. It may also return
/// earlier, with a [`WorkEnd`]. `renewed` is
/// called with the result of every round: the partitions that no process of the group holds, or an error.
/// After an error, held leases are valid until they expire.
///
/// Failures of the server are retried without limit.
///
/// # Errors
///
/// Returns the first error that `work` returns. All other work is cancelled at its next await point.
///
/// # Panics
///
/// Resumes a panic of `work`.
pub async fn run<E, End, Run>(
    server: &(impl Connect + Clone),
    options: LeaseOptions,
    mut stop: ShutdownSignal,
    mut renewed: impl FnMut(Result<&[usize], &StreamError>),
    mut work: impl FnMut(usize, ShutdownSignal) -> Run,
) -> Result<(), E>
where
    E: Send + 'static,
    End: Into<WorkEnd> + Send + 'static,
    Run: Future<Output = Result<End, E>> + Send + 'static,
{
    let interval = ROUND_INTERVAL.min(options.lease_ttl / 3);
    let mut leases = Leases::new(server.clone(), options);
    let mut tasks = Tasks { running: BTreeMap::new(), tasks: JoinSet::new() };
    let mut handed_over = JoinSet::new();
    let mut next_round = Instant::now();
    while !(leases.leaving() && tasks.running.is_empty()) {
        if next_round <= Instant::now() {
            match leases.round().await {
                Ok(round) => {
                    renewed(Ok(&round.unowned));
                    tasks.apply(&round, &mut work);
                }
                Err(RenewalFailed { error, expired }) => {
                    tracing::warn!(%error, "lease renewal failed");
                    renewed(Err(&error));
                    if expired {
                        tasks.apply(&LeaseRound::default(), &mut work);
                    }
                }
            }
            next_round = Instant::now() + interval;
        }
        tokio::select! {
            Some(finished) = tasks.tasks.join_next() => {
                let (partition, end) = tasks.remove(finished)?;
                if let WorkEnd::HandOver(until) = end {
                    tracing::info!(partition, "lease handed over");
                    leases.decline(partition);
                    handed_over.spawn(async move {
                        until.await;
                        partition
                    });
                }
                leases.release(partition).await;
                next_round = Instant::now();
            }
            Some(Ok(partition)) = handed_over.join_next() => leases.accept(partition),
            () = stop.wait(), if !leases.leaving() => {
                leases.leave().await;
                tasks.running.values_mut().for_each(PartitionTask::stop);
            }
            () = tokio::time::sleep_until(next_round.into()) => {}
        }
    }
    Ok(())
}

impl PartitionTask {
    fn stop(&mut self) {
        self.stopping = true;
        self.trigger.stop();
    }
}

impl<E: Send + 'static> Tasks<E> {
    /// Starts a task for each new lease, and asks tasks to stop whose lease is lost or must be released.
    fn apply<End, Run>(&mut self, round: &LeaseRound, work: &mut impl FnMut(usize, ShutdownSignal) -> Run)
    where
        End: Into<WorkEnd> + Send + 'static,
        Run: Future<Output = Result<End, E>> + Send + 'static,
    {
        let is_new = |partition: &usize| !self.running.contains_key(partition);
        let acquired: Vec<usize> = round.held.iter().copied().filter(is_new).collect();
        if !acquired.is_empty() {
            tracing::info!(partitions = ?acquired, "leases acquired");
        }
        for partition in acquired {
            let (trigger, stop) = shutdown_pair();
            let run = work(partition, stop);
            self.tasks.spawn(async move { (partition, run.await.map(Into::into)) });
            self.running.insert(partition, PartitionTask { trigger, stopping: false });
        }
        let kept = |partition: &usize| round.held.contains(partition) && !round.surplus.contains(partition);
        for (partition, task) in self.running.iter_mut().filter(|(partition, _)| !kept(partition)) {
            if !task.stopping {
                tracing::info!(partition, "stopping work: the partition moves to another process");
                task.stop();
            }
        }
    }

    /// Removes a finished task, and returns its partition and how its work ended.
    fn remove(
        &mut self,
        finished: Result<(usize, Result<WorkEnd, E>), JoinError>,
    ) -> Result<(usize, WorkEnd), E> {
        let (partition, result) = match finished {
            Ok(finished) => finished,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Tasks of this set are never cancelled while it is polled.
                Err(error) => unreachable!("{error}"),
            },
        };
        self.running.remove(&partition);
        result.map(|end| (partition, end))
    }
}
