//! Reads that are at least as fresh as somebody wants (ingress).
//!
//! A read says how fresh it was. If that is not enough for its client, the request waits here until the views are
//! far enough, and reads again. However many wait, one task looks at the checkpoints of the partitions that
//! somebody waits for, all in one round trip, and wakes who is concerned; while nobody waits it sleeps. In the
//! same way the store is asked once for all who want its latest. How old the views are is
//! found out twice a second.

mod staleness;

use crate::ports::Unavailable;
use crate::ports::events::heads::HeadReader;
use crate::ports::views::read_models::ReadModelReader;
use auction_wire::{PartitionCount, PartitionId, Positions};
use staleness::StalenessTracker;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// Between two looks at the checkpoints, while somebody waits.
const PACE: Duration = Duration::from_millis(2);

/// How often it is found out whether the views have everything.
const EVERY: Duration = Duration::from_millis(500);

/// At most so many requests wait; more are told at once that the views are behind.
const WAITING: usize = 10_000;

/// Where requests wait for the views, and ask for the heads.
pub struct ConsistencyWaiter {
    partitions: Vec<Watched>,
    /// Somebody waits for a partition that nobody waited for.
    wake: Notify,
    places: Semaphore,
    ask: mpsc::Sender<Asking>,
    asked: Mutex<mpsc::Receiver<Asking>>,
    ages: StalenessTracker,
}

type Asking = oneshot::Sender<Result<Positions, Unavailable>>;

/// The checkpoint of one partition.
struct Watched {
    partition: PartitionId,
    waiting: AtomicUsize,
    /// At the last look; zero while nobody waits.
    shown: watch::Sender<u64>,
}

/// One request among those who wait for a partition.
struct Waiting<'a>(&'a Watched);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ConsistencyWaiter {
    /// For the views of so many partitions. Nobody gets an answer unless [`Freshness::run`] runs.
    pub fn new(partitions: PartitionCount) -> ConsistencyWaiter {
        let watched = |partition| {
            let shown = watch::Sender::new(0);
            Watched { partition, waiting: AtomicUsize::new(0), shown }
        };
        let (ask, asked) = mpsc::channel(WAITING);
        ConsistencyWaiter {
            partitions: partitions.all().map(watched).collect(),
            wake: Notify::new(),
            places: Semaphore::new(WAITING),
            ask,
            asked: Mutex::new(asked),
            ages: StalenessTracker::new(usize::from(partitions.get())),
        }
    }

    /// Waits until the views are that far; false if they are not until then.
    pub async fn wait_for(&self, wanted: &Positions, until: Instant) -> bool {
        let Ok(_place) = self.places.try_acquire() else { return false };
        let here = |(partition, position): (PartitionId, u64)| {
            Some((self.partitions.get(usize::from(partition.0))?, position))
        };
        let wanted: Vec<(&Watched, u64)> = wanted.iter().filter_map(here).collect();
        let _waiting: Vec<Waiting> = wanted.iter().map(|(watched, _)| self.register(watched)).collect();
        let all = async {
            for (watched, position) in &wanted {
                // Its sender lives as long as we do.
                let _ = watched.shown.subscribe().wait_for(|shown| shown >= position).await;
            }
        };
        tokio::time::timeout_at(until, all).await.is_ok()
    }

    fn register<'a>(&self, watched: &'a Watched) -> Waiting<'a> {
        if watched.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            self.wake.notify_one();
        }
        Waiting(watched)
    }

    /// What the store holds, at the earliest now.
    pub async fn current_heads(&self) -> Result<Positions, Unavailable> {
        let (ask, answer) = oneshot::channel();
        self.ask.try_send(ask).map_err(|error| Unavailable::new("postgres", error.to_string()))?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::new("postgres", "nobody asks any more")))
    }

    /// How long ago it was known that these views have everything, those of them of which it was the longest ago.
    /// None if it was never known.
    pub fn age(&self, partitions: &[PartitionId]) -> Option<Duration> {
        self.ages.oldest(partitions)
    }

    /// Looks at the views and asks the store for everybody who waits, until it is time to stop.
    pub async fn run(&self, views: &impl ReadModelReader, heads: &impl HeadReader, mut stop: ShutdownSignal) {
        let until = stop.clone();
        tokio::select! {
            () = self.look_at_views(views, until) => {}
            () = self.ask_for_heads(heads) => {}
            () = self.look_at_ages(views) => {}
            () = stop.wait() => {}
        }
    }

    async fn look_at_views(&self, views: &impl ReadModelReader, mut stop: ShutdownSignal) {
        let mut retry = Retry::default();
        loop {
            let (waited_for, others): (Vec<&Watched>, Vec<&Watched>) =
                self.partitions.iter().partition(|watched| watched.waiting.load(Ordering::Relaxed) > 0);
            // Redis may have lost what it showed before; nobody shall go by that.
            others.iter().for_each(|watched| watched.is_at(0));
            if waited_for.is_empty() {
                self.wake.notified().await;
                continue;
            }
            let partitions: Vec<PartitionId> = waited_for.iter().map(|watched| watched.partition).collect();
            match views.checkpoints(&partitions).await {
                Ok(shown) => {
                    waited_for.iter().for_each(|watched| watched.is_at(shown.get(watched.partition)));
                    retry.succeeded();
                    tokio::time::sleep(PACE).await;
                }
                Err(error) => {
                    let wait = retry.next_wait();
                    tracing::warn!(%error, ?wait, "how far the views are cannot be looked at");
                    stop.sleep(wait).await;
                }
            }
        }
    }

    /// A server that is away is somebody else's to tell of; here it makes age grow.
    async fn look_at_ages(&self, views: &impl ReadModelReader) {
        let all: Vec<PartitionId> = self.partitions.iter().map(|watched| watched.partition).collect();
        loop {
            let asked = Instant::now();
            if let Ok(heads) = self.current_heads().await {
                all.iter().for_each(|partition| self.ages.stored(*partition, asked, &heads));
            }
            if let Ok(shown) = views.checkpoints(&all).await {
                all.iter().for_each(|partition| self.ages.shown(*partition, &shown));
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn ask_for_heads(&self, heads: &impl HeadReader) {
        let (mut asked, mut asking) = (self.asked.lock().await, Vec::new());
        while asked.recv_many(&mut asking, WAITING).await > 0 {
            let answer = heads.heads().await;
            for ask in asking.drain(..) {
                // Whoever gave up meanwhile does not need it.
                let _ = ask.send(match &answer {
                    Ok(heads) => Ok(heads.clone()),
                    Err(error) => Err(Unavailable::new(error.backend, error.cause.to_string())),
                });
            }
        }
    }
}

impl Watched {
    fn is_at(&self, position: u64) {
        self.shown.send_if_modified(|shown| std::mem::replace(shown, position) != position);
    }
}
