//! Sends what is due on one way.

use super::{RetrySchedule, Wakeup};
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox, OutboxMessage,
};
use crate::ports::notifications::transport::{SendResult, Transport};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use uuid::Uuid;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// When it is time to stop, what is on its way may arrive within so long. The rest is returned.
const LAST_ATTEMPTS: Duration = Duration::from_secs(5);

/// A claim lasts so much longer than an attempt: the time that there is to note what came of it.
const MARGIN: Duration = Duration::from_secs(5);

/// How much a sender does at once.
#[derive(Clone, Copy, Debug)]
pub struct DispatcherConfig {
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
pub struct OutboxDispatcher<O, C> {
    outbox: O,
    courier: Arc<C>,
    way: DeliveryChannel,
    limits: DispatcherConfig,
    schedule: RetrySchedule,
    /// What is being carried: to whom, by parcel.
    in_flight: BTreeMap<u64, (Uuid, i64)>,
    attempts: JoinSet<AttemptRecord>,
    /// What came of attempts and is not noted yet.
    unsaved_results: Vec<AttemptRecord>,
}

impl<O: Outbox, C: Transport> OutboxDispatcher<O, C> {
    /// Of that way.
    pub fn new(
        outbox: O,
        courier: C,
        way: DeliveryChannel,
        limits: DispatcherConfig,
        schedule: RetrySchedule,
    ) -> OutboxDispatcher<O, C> {
        OutboxDispatcher {
            outbox,
            courier: Arc::new(courier),
            way,
            limits,
            schedule,
            in_flight: BTreeMap::new(),
            attempts: JoinSet::new(),
            unsaved_results: Vec::new(),
        }
    }

    /// Sends until it is time to stop. A store that is away is waited for without end.
    pub async fn run(mut self, bell: Wakeup, health: HealthHandle, mut stop: ShutdownSignal) {
        let mut retry = Retry::default();
        while !stop.requested() {
            match self.dispatch_due().await {
                Ok(()) => {
                    retry.succeeded();
                    health.set_up();
                    self.wait(&bell, &mut stop).await;
                }
                Err(error) => {
                    let wait = retry.next_wait();
                    health.set_waiting(&error, retry.attempts());
                    tracing::warn!(%error, ?wait, way = self.way.name(), "waiting, then sending");
                    stop.sleep(wait).await;
                    self.collect();
                }
            }
        }
        self.finish().await;
    }

    /// Notes what came of attempts, and begins others.
    async fn dispatch_due(&mut self) -> Result<(), Unavailable> {
        if !self.unsaved_results.is_empty() {
            self.outbox.record(&self.unsaved_results).await?;
            self.unsaved_results.clear();
        }
        let limit = self.limits.at_once.saturating_sub(self.in_flight.len());
        if limit == 0 {
            return Ok(());
        }
        let claim = ClaimRequest {
            way: self.way,
            busy: self.in_flight.values().map(|(endpoint, _)| *endpoint).collect(),
            limit,
            per_endpoint: self.limits.per_endpoint,
            lease: self.limits.attempt + MARGIN,
        };
        for parcel in self.outbox.claim(&claim).await? {
            self.in_flight.insert(parcel.seq, (parcel.endpoint, parcel.claim));
            let (courier, schedule, within) = (Arc::clone(&self.courier), self.schedule, self.limits.attempt);
            let way = self.way;
            self.attempts.spawn(async move { attempt(&*courier, schedule, within, way, &parcel).await });
        }
        Ok(())
    }

    /// Until there is something to do.
    async fn wait(&mut self, bell: &Wakeup, stop: &mut ShutdownSignal) {
        tokio::select! {
            Some(ended) = self.attempts.join_next() => {
                self.came(ended);
                self.collect();
            }
            () = bell.notified() => {}
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
    fn came(&mut self, ended: Result<AttemptRecord, JoinError>) {
        let Ok(settled) = ended else { return };
        self.in_flight.remove(&settled.seq);
        self.unsaved_results.push(settled);
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
        let returned = self.in_flight.iter().map(|(seq, (_, claim))| AttemptRecord {
            seq: *seq,
            claim: *claim,
            verdict: AttemptResult::Released,
            status: None,
            error: None,
        });
        self.unsaved_results.extend(returned);
        // If this fails, the claims end by themselves.
        if let Err(error) = self.outbox.record(&self.unsaved_results).await {
            tracing::warn!(%error, way = self.way.name(), "what was sent last is not noted, and may be sent again");
        }
    }
}

/// One attempt, and what follows from it.
async fn attempt(
    courier: &impl Transport,
    schedule: RetrySchedule,
    within: Duration,
    way: DeliveryChannel,
    parcel: &OutboxMessage,
) -> AttemptRecord {
    let not_taken = |error| SendResult::Retryable { status: None, error };
    let carried = match parcel.to {
        Destination::Unreachable(error) => SendResult::Rejected { status: None, error },
        Destination::Webhook { .. } | Destination::Email { .. } => {
            let carry = AssertUnwindSafe(timeout(within, courier.send(parcel))).catch_unwind();
            match carry.await {
                Ok(Ok(carried)) => carried,
                Ok(Err(_)) => not_taken("timed_out"),
                // What is in hand is dropped with it.
                Err(_) => not_taken("internal_error"),
            }
        }
    };
    let again =
        || schedule.wait(parcel.attempts + 1, parcel.id).map_or(AttemptResult::Failed, AttemptResult::Retry);
    let (verdict, status, error) = match carried {
        SendResult::Accepted { status } => (AttemptResult::Delivered, status, None),
        SendResult::Retryable { status, error } => (again(), status, Some(error)),
        SendResult::Rejected { status, error } => (AttemptResult::Failed, status, Some(error)),
        SendResult::EndpointGone { status } => (AttemptResult::EndpointGone, status, Some("gone")),
    };
    instrumentation::sent(way.name(), verdict.name());
    AttemptRecord { seq: parcel.seq, claim: parcel.claim, verdict, status, error }
}
