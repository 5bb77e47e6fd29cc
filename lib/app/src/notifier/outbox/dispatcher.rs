//! Sends what is due on one way.

use super::{Bell, Schedule};
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::notifications::outbox::{Claim, Outbox, Parcel, Settled, To, Verdict, Way};
use crate::ports::notifications::transport::{Carried, Courier};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use uuid::Uuid;
use worker_runtime::Retry;
use worker_runtime::health::Part;
use worker_runtime::shutdown::Stop;

/// When it is time to stop, what is on its way may arrive within so long. The rest is returned.
const LAST_ATTEMPTS: Duration = Duration::from_secs(5);

/// A claim lasts so much longer than an attempt: the time that there is to note what came of it.
const MARGIN: Duration = Duration::from_secs(5);

/// How much a sender does at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Attempts at the same time.
    pub at_once: usize,
    /// Of them, to one endpoint: one that is slow takes no more.
    pub per_endpoint: usize,
    /// How long an attempt may take.
    pub attempt: Duration,
    /// How often is looked for what is due, at the latest.
    pub look: Duration,
}

/// Sends what is due on one way.
pub struct Sender<O, C> {
    outbox: O,
    courier: Arc<C>,
    way: Way,
    limits: Limits,
    schedule: Schedule,
    /// What is being carried: to whom, by parcel.
    on_the_way: BTreeMap<u64, (Uuid, i64)>,
    attempts: JoinSet<Settled>,
    /// What came of attempts and is not noted yet.
    came_of_it: Vec<Settled>,
}

impl<O: Outbox, C: Courier> Sender<O, C> {
    /// Of that way.
    pub fn new(outbox: O, courier: C, way: Way, limits: Limits, schedule: Schedule) -> Sender<O, C> {
        Sender {
            outbox,
            courier: Arc::new(courier),
            way,
            limits,
            schedule,
            on_the_way: BTreeMap::new(),
            attempts: JoinSet::new(),
            came_of_it: Vec::new(),
        }
    }

    /// Sends until it is time to stop. A store that is away is waited for without end.
    pub async fn run(mut self, bell: Bell, health: Part, mut stop: Stop) {
        let mut retry = Retry::default();
        while !stop.requested() {
            match self.round().await {
                Ok(()) => {
                    retry.succeeded();
                    health.works();
                    self.wait(&bell, &mut stop).await;
                }
                Err(error) => {
                    let wait = retry.next_wait();
                    health.waits(&error, retry.attempts());
                    tracing::warn!(%error, ?wait, way = self.way.name(), "waiting, then sending");
                    stop.sleep(wait).await;
                    self.collect();
                }
            }
        }
        self.finish().await;
    }

    /// Notes what came of attempts, and begins others.
    async fn round(&mut self) -> Result<(), Unavailable> {
        if !self.came_of_it.is_empty() {
            self.outbox.settle(&self.came_of_it).await?;
            self.came_of_it.clear();
        }
        let limit = self.limits.at_once.saturating_sub(self.on_the_way.len());
        if limit == 0 {
            return Ok(());
        }
        let claim = Claim {
            way: self.way,
            busy: self.on_the_way.values().map(|(endpoint, _)| *endpoint).collect(),
            limit,
            per_endpoint: self.limits.per_endpoint,
            lease: self.limits.attempt + MARGIN,
        };
        for parcel in self.outbox.claim(&claim).await? {
            self.on_the_way.insert(parcel.seq, (parcel.endpoint, parcel.claim));
            let (courier, schedule, within) = (Arc::clone(&self.courier), self.schedule, self.limits.attempt);
            let way = self.way;
            self.attempts.spawn(async move { attempt(&*courier, schedule, within, way, &parcel).await });
        }
        Ok(())
    }

    /// Until there is something to do.
    async fn wait(&mut self, bell: &Bell, stop: &mut Stop) {
        tokio::select! {
            Some(ended) = self.attempts.join_next() => {
                self.came(ended);
                self.collect();
            }
            () = bell.rung() => {}
            () = tokio::time::sleep(self.limits.look) => {}
            () = stop.wait() => {}
        }
    }

    /// Takes what has ended.
    fn collect(&mut self) {
        while let Some(ended) = self.attempts.try_join_next() {
            self.came(ended);
        }
    }

    /// An attempt does not panic, and is not ended from outside while anybody waits for it.
    fn came(&mut self, ended: Result<Settled, JoinError>) {
        let Ok(settled) = ended else { return };
        self.on_the_way.remove(&settled.seq);
        self.came_of_it.push(settled);
    }

    /// Lets what is on its way arrive, if it does so soon, and returns the rest.
    async fn finish(&mut self) {
        let all_back = async {
            while let Some(ended) = self.attempts.join_next().await {
                self.came(ended);
            }
        };
        let _ = timeout(LAST_ATTEMPTS, all_back).await;
        self.attempts.abort_all();
        let returned = self.on_the_way.iter().map(|(seq, (_, claim))| Settled {
            seq: *seq,
            claim: *claim,
            verdict: Verdict::Returned,
            status: None,
            error: None,
        });
        self.came_of_it.extend(returned);
        // If this fails, the claims end by themselves.
        if let Err(error) = self.outbox.settle(&self.came_of_it).await {
            tracing::warn!(%error, way = self.way.name(), "what was sent last is not noted, and may be sent again");
        }
    }
}

/// One attempt, and what follows from it.
async fn attempt(
    courier: &impl Courier,
    schedule: Schedule,
    within: Duration,
    way: Way,
    parcel: &Parcel,
) -> Settled {
    let not_taken = |error| Carried::NotTaken { status: None, error };
    let carried = match parcel.to {
        To::Nobody(error) => Carried::Refused { status: None, error },
        To::Webhook { .. } | To::Mail { .. } => {
            let carry = AssertUnwindSafe(timeout(within, courier.carry(parcel))).catch_unwind();
            match carry.await {
                Ok(Ok(carried)) => carried,
                Ok(Err(_)) => not_taken("timed_out"),
                // What is in hand is dropped with it.
                Err(_) => not_taken("internal_error"),
            }
        }
    };
    let again = || schedule.wait(parcel.attempts + 1, parcel.id).map_or(Verdict::Failed, Verdict::Again);
    let (verdict, status, error) = match carried {
        Carried::Taken { status } => (Verdict::Delivered, status, None),
        Carried::NotTaken { status, error } => (again(), status, Some(error)),
        Carried::Refused { status, error } => (Verdict::Failed, status, Some(error)),
        Carried::Unwanted { status } => (Verdict::Gone, status, Some("gone")),
    };
    instrumentation::sent(way.name(), verdict.name());
    Settled { seq: parcel.seq, claim: parcel.claim, verdict, status, error }
}
