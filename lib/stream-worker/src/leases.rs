//! Sharing lanes among processes.
//!
//! Every process of a group says in a sorted set that it is there. Each lane has a lease, a key with the
//! name of its holder that expires. A process takes free leases up to its share, gives back what is more,
//! and renews the rest; so a new process has its share as soon as the others have finished what is in
//! hand, a process that leaves hands over at once, and one that is killed within the time of a lease.
//!
//! **A lease is not a fence.** A process that was paused goes on where it was when its lease is long
//! another's; it is told to stop at the next look. Whatever it does until then must be safe by other
//! means, such as an optimistic version.

mod round;

use crate::StreamError;
use redis::Client;
use round::{LeaseRound, Leases, RenewalFailed};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinSet};
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger, shutdown_pair};

/// The longest time between two looks at the leases: so long a free lane may wait for somebody.
const LOOK: Duration = Duration::from_millis(500);

/// What is shared, and by whom.
#[derive(Clone, Debug)]
pub struct LeaseOptions {
    /// The key of the sorted set of all processes.
    pub members: String,
    /// The key of each lane's lease.
    pub leases: Vec<String>,
    /// What names this process, and no other one ever.
    pub name: String,
    /// How long a lease lasts if it is not renewed: so long the lanes of a killed process stand still.
    /// At least a second.
    pub lease: Duration,
}

/// What became of the last look at the leases.
#[derive(Debug)]
pub enum Renewal<'a> {
    /// Those that are held are held for another while.
    Done,
    /// The server is away. What is held is held until it expires, and then no more.
    Failed {
        /// Why.
        error: &'a StreamError,
        /// How many times in a row.
        attempts: u32,
    },
}

/// Work on a lane that runs.
struct Running {
    stopper: ShutdownTrigger,
    /// Told to stop.
    stopping: bool,
}

/// What runs, by lane.
struct Work<E> {
    running: BTreeMap<usize, Running>,
    tasks: JoinSet<(usize, Result<(), E>)>,
}

/// Runs `work` on this process's share of the lanes, by index, until it is time to stop. Work is told to
/// stop when its lane is to go to another process, or its lease could not be renewed in time; it must
/// then finish what is in hand and end. The first work that ends with an error ends everything.
///
/// A server that is away is waited for without end; `renewal` hears of every look.
pub async fn run<E, Run>(
    client: &Client,
    options: LeaseOptions,
    mut stop: ShutdownSignal,
    mut renewal: impl FnMut(Renewal<'_>),
    mut work: impl FnMut(usize, ShutdownSignal) -> Run,
) -> Result<(), E>
where
    E: Send + 'static,
    Run: Future<Output = Result<(), E>> + Send + 'static,
{
    let look = LOOK.min(options.lease / 3);
    let mut leases = Leases::new(client.clone(), options);
    let mut all = Work { running: BTreeMap::new(), tasks: JoinSet::new() };
    let mut next_look = Instant::now();
    let mut attempts: u32 = 0;
    while !(leases.leaving() && all.running.is_empty()) {
        if next_look <= Instant::now() {
            match leases.round().await {
                Ok(round) => {
                    attempts = 0;
                    renewal(Renewal::Done);
                    all.follow(&round, &mut work);
                }
                Err(RenewalFailed { error, expired }) => {
                    attempts = attempts.saturating_add(1);
                    tracing::warn!(%error, attempts, "leases could not be renewed");
                    renewal(Renewal::Failed { error: &error, attempts });
                    if expired {
                        all.follow(&LeaseRound::default(), &mut work);
                    }
                }
            }
            next_look = Instant::now() + look;
        }
        tokio::select! {
            Some(ended) = all.tasks.join_next() => {
                let lane = all.ended(ended)?;
                leases.release(lane).await;
                next_look = Instant::now();
            }
            () = stop.wait(), if !leases.leaving() => {
                leases.leave().await;
                all.running.values_mut().for_each(Running::stop);
            }
            () = tokio::time::sleep_until(next_look.into()) => {}
        }
    }
    Ok(())
}

impl Running {
    fn stop(&mut self) {
        self.stopping = true;
        self.stopper.stop();
    }
}

impl<E: Send + 'static> Work<E> {
    /// Starts what is held and does not run, stops what runs and is not to be held.
    fn follow<Run>(&mut self, round: &LeaseRound, work: &mut impl FnMut(usize, ShutdownSignal) -> Run)
    where
        Run: Future<Output = Result<(), E>> + Send + 'static,
    {
        for lane in &round.held {
            if !self.running.contains_key(lane) {
                let (stopper, stop) = shutdown_pair();
                let run = work(*lane, stop);
                let lane = *lane;
                tracing::info!(lane, "has the lease");
                self.tasks.spawn(async move { (lane, run.await) });
                self.running.insert(lane, Running { stopper, stopping: false });
            }
        }
        let kept = |lane: &usize| round.held.contains(lane) && !round.give_back.contains(lane);
        for (lane, running) in self.running.iter_mut().filter(|(lane, _)| !kept(lane)) {
            if !running.stopping {
                tracing::info!(lane, "gives the lane to another process");
                running.stop();
            }
        }
    }

    /// Which lane's work has ended.
    fn ended(&mut self, ended: Result<(usize, Result<(), E>), JoinError>) -> Result<usize, E> {
        let (lane, result) = match ended {
            Ok(ended) => ended,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody cancels a task of this set.
                Err(error) => unreachable!("{error}"),
            },
        };
        self.running.remove(&lane);
        result.map(|()| lane)
    }
}
