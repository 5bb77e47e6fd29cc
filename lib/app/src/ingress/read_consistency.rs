//! Consistent reads: a request waits until the read models have reached the positions that the client
//! requires.
//!
//! A read returns the positions that it shows. If the client requires more, the request waits here and then
//! reads again. One task polls for all requests: it reads the checkpoints of all partitions with waiting
//! requests in one round trip, and wakes the requests whose positions are reached. The task sleeps while no
//! request waits. Requests that need the current heads of the event store share round trips in the same way.
//! The staleness of the read models is measured twice a second.

mod staleness;

use crate::ports::Unavailable;
use crate::ports::events::heads::HeadReader;
use crate::ports::views::read_models::ReadModelReader;
use auction_wire::{PartitionCount, PartitionId, Positions};
use staleness::StalenessTracker;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, Notify, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use worker_runtime::Supervisor;

/// Interval between two reads of the checkpoints while requests wait.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Interval at which the staleness is measured.
const STALENESS_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum number of waiting requests. Further requests do not wait, as if their timeout had expired.
const MAX_WAITING: usize = 10_000;

/// Lets requests wait for the read models, and reads the heads of the event store for them.
pub struct ConsistencyWaiter {
    partitions: Vec<WatchedPartition>,
    /// Notified when the first request starts to wait for a partition.
    wake: Notify,
    permits: Semaphore,
    head_requests: mpsc::Sender<HeadRequest>,
    head_queue: Mutex<mpsc::Receiver<HeadRequest>>,
    staleness: StalenessTracker,
}

type HeadRequest = oneshot::Sender<Result<Positions, Unavailable>>;

struct WatchedPartition {
    partition: PartitionId,
    /// Number of waiting requests.
    waiting: AtomicUsize,
    /// The last checkpoint read; zero while no request waits.
    checkpoint: watch::Sender<u64>,
}

/// Registration of a request that waits for a partition.
struct Waiting<'a>(&'a WatchedPartition);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ConsistencyWaiter {
    /// Creates a waiter. Requests are answered only while [`ConsistencyWaiter::run`] runs.
    pub fn new(partitions: PartitionCount) -> ConsistencyWaiter {
        let watched = |partition| {
            let checkpoint = watch::Sender::new(0);
            WatchedPartition { partition, waiting: AtomicUsize::new(0), checkpoint }
        };
        let (head_requests, head_queue) = mpsc::channel(MAX_WAITING);
        ConsistencyWaiter {
            partitions: partitions.all().map(watched).collect(),
            wake: Notify::new(),
            permits: Semaphore::new(MAX_WAITING),
            head_requests,
            head_queue: Mutex::new(head_queue),
            staleness: StalenessTracker::new(usize::from(partitions.get())),
        }
    }

    /// Waits until the read models have reached the positions. Returns false if they have not at the
    /// deadline.
    pub async fn wait_for(&self, required: &Positions, until: Instant) -> bool {
        let Ok(_permit) = self.permits.try_acquire() else { return false };
        let watched = |(partition, position): (PartitionId, u64)| {
            Some((self.partitions.get(usize::from(partition.0))?, position))
        };
        let required: Vec<(&WatchedPartition, u64)> = required.iter().filter_map(watched).collect();
        let _waiting: Vec<Waiting> = required.iter().map(|(watched, _)| self.register(watched)).collect();
        let all = async {
            for (watched, position) in &required {
                // Cannot fail: the sender lives as long as `self`.
                let _ = watched.checkpoint.subscribe().wait_for(|checkpoint| checkpoint >= position).await;
            }
        };
        tokio::time::timeout_at(until, all).await.is_ok()
    }

    fn register<'a>(&self, watched: &'a WatchedPartition) -> Waiting<'a> {
        if watched.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            self.wake.notify_one();
        }
        Waiting(watched)
    }

    /// Returns the heads of all partitions, read from the event store after this call.
    pub async fn current_heads(&self) -> Result<Positions, Unavailable> {
        let (request, response) = oneshot::channel();
        let full = |error: TrySendError<_>| Unavailable::new("event store", error.to_string());
        self.head_requests.try_send(request).map_err(full)?;
        response.await.unwrap_or_else(|_| Err(Unavailable::new("event store", "shutting down")))
    }

    /// Returns the time since the read models of these partitions were last known to be complete; of the
    /// stalest partition. None if they never were.
    pub fn age(&self, partitions: &[PartitionId]) -> Option<Duration> {
        self.staleness.max_age(partitions)
    }

    /// Reads checkpoints and heads for all requests, until shutdown.
    pub async fn run(&self, views: &dyn ReadModelReader, heads: &dyn HeadReader, supervisor: Supervisor) {
        let mut stop = supervisor.stop();
        tokio::select! {
            () = self.poll_checkpoints(views, &supervisor) => {}
            () = self.read_heads(heads) => {}
            () = self.measure_staleness(views, &supervisor) => {}
            () = stop.wait() => {}
        }
    }

    async fn poll_checkpoints(&self, views: &dyn ReadModelReader, supervisor: &Supervisor) {
        loop {
            let (waited_for, others): (Vec<&WatchedPartition>, Vec<&WatchedPartition>) =
                self.partitions.iter().partition(|watched| watched.waiting.load(Ordering::Relaxed) > 0);
            // Forget old checkpoints: the read models may be lost before the next request waits.
            others.iter().for_each(|watched| watched.set_checkpoint(0));
            if waited_for.is_empty() {
                self.wake.notified().await;
                continue;
            }
            let partitions: Vec<PartitionId> = waited_for.iter().map(|watched| watched.partition).collect();
            let read = supervisor.attempt(views.checkpoints(&partitions)).await;
            let Some(checkpoints) = read else { continue };
            for watched in waited_for {
                watched.set_checkpoint(checkpoints.get(watched.partition));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Measures the staleness. It grows while a backend is unavailable.
    async fn measure_staleness(&self, views: &dyn ReadModelReader, supervisor: &Supervisor) {
        let all: Vec<PartitionId> = self.partitions.iter().map(|watched| watched.partition).collect();
        loop {
            let read_at = Instant::now();
            let heads = self.current_heads().await.map(|heads| {
                all.iter()
                    .for_each(|partition| self.staleness.on_head(*partition, read_at, heads.get(*partition)));
            });
            let checkpoints = views.checkpoints(&all).await.map(|checkpoints| {
                let update = |partition: &PartitionId| {
                    self.staleness.on_checkpoint(*partition, checkpoints.get(*partition));
                };
                all.iter().for_each(update);
            });
            match heads.and(checkpoints) {
                Ok(()) => supervisor.succeeded(),
                Err(error) => supervisor.report_failure(&error),
            }
            tokio::time::sleep(STALENESS_INTERVAL).await;
        }
    }

    async fn read_heads(&self, reader: &dyn HeadReader) {
        let (mut queue, mut requests) = (self.head_queue.lock().await, Vec::new());
        while queue.recv_many(&mut requests, MAX_WAITING).await > 0 {
            let result = reader.heads().await;
            for request in requests.drain(..) {
                // The send fails if the request has ended meanwhile.
                let _ = request.send(match &result {
                    Ok(heads) => Ok(heads.clone()),
                    Err(error) => Err(Unavailable::new(error.backend, error.cause.to_string())),
                });
            }
        }
    }
}

impl WatchedPartition {
    fn set_checkpoint(&self, position: u64) {
        self.checkpoint.send_if_modified(|checkpoint| std::mem::replace(checkpoint, position) != position);
    }
}
