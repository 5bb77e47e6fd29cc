//! Sends the due deliveries of one channel.

use super::{RetrySchedule, Wakeup};
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, DeliveryId, Destination, Outbox,
    OutboxMessage,
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
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Time at shutdown in which attempts in flight can end. The others are released.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Time that a claim lasts longer than an attempt, for recording the result.
const CLAIM_MARGIN: Duration = Duration::from_secs(5);

/// Limits of a dispatcher.
#[derive(Clone, Copy, Debug)]
pub struct DispatcherConfig {
    /// Maximum number of concurrent attempts.
    pub max_concurrent: usize,
    /// Maximum number of concurrent attempts per endpoint, so that a slow endpoint does not use all of them.
    pub max_concurrent_per_endpoint: usize,
    /// Timeout of an attempt.
    pub attempt_timeout: Duration,
    /// Maximum time between two queries for due deliveries.
    pub poll_interval: Duration,
}

/// Sends the due deliveries of one channel.
pub struct OutboxDispatcher<O, C> {
    outbox: O,
    transport: Arc<C>,
    channel: DeliveryChannel,
    config: DispatcherConfig,
    schedule: RetrySchedule,
    /// Endpoint and claim of each delivery that is being attempted, by sequence number.
    in_flight: BTreeMap<DeliveryId, (Uuid, i64)>,
    attempts: JoinSet<AttemptRecord>,
    /// Results of attempts that are not recorded yet.
    unsaved_results: Vec<AttemptRecord>,
}

impl<O: Outbox, C: Transport> OutboxDispatcher<O, C> {
    pub fn new(
        outbox: O,
        transport: C,
        channel: DeliveryChannel,
        config: DispatcherConfig,
        schedule: RetrySchedule,
    ) -> OutboxDispatcher<O, C> {
        OutboxDispatcher {
            outbox,
            transport: Arc::new(transport),
            channel,
            config,
            schedule,
            in_flight: BTreeMap::new(),
            attempts: JoinSet::new(),
            unsaved_results: Vec::new(),
        }
    }

    /// Sends until shutdown. Retries an unavailable store forever.
    pub async fn run(mut self, wakeup: Wakeup, supervisor: Supervisor) {
        while !supervisor.stopping() {
            match supervisor.attempt(self.dispatch_due()).await {
                Some(()) => self.wait(&wakeup, &mut supervisor.stop()).await,
                None => self.collect(),
            }
        }
        self.finish().await;
    }

    /// Records results, claims due deliveries and starts their attempts.
    async fn dispatch_due(&mut self) -> Result<(), Unavailable> {
        if !self.unsaved_results.is_empty() {
            self.outbox.record(&self.unsaved_results).await?;
            self.unsaved_results.clear();
        }
        let limit = self.config.max_concurrent.saturating_sub(self.in_flight.len());
        if limit == 0 {
            return Ok(());
        }
        let claim = ClaimRequest {
            channel: self.channel,
            busy: self.in_flight.values().map(|(endpoint, _)| *endpoint).collect(),
            limit,
            per_endpoint: self.config.max_concurrent_per_endpoint,
            lease: self.config.attempt_timeout + CLAIM_MARGIN,
        };
        for message in self.outbox.claim(&claim).await? {
            self.in_flight.insert(message.delivery, (message.endpoint, message.claim));
            let (transport, schedule, attempt_timeout) =
                (Arc::clone(&self.transport), self.schedule, self.config.attempt_timeout);
            let channel = self.channel;
            self.attempts.spawn(async move {
                attempt(&*transport, schedule, attempt_timeout, channel, &message).await
            });
        }
        Ok(())
    }

    /// Waits until an attempt has ended, a wake-up arrives, the poll interval is over, or shutdown.
    async fn wait(&mut self, wakeup: &Wakeup, stop: &mut ShutdownSignal) {
        tokio::select! {
            Some(ended) = self.attempts.join_next() => {
                self.on_attempt_ended(ended);
                self.collect();
            }
            () = wakeup.notified() => {}
            () = tokio::time::sleep(self.config.poll_interval) => {}
            () = stop.wait() => {}
        }
    }

    /// Collects the results of all attempts that have ended.
    fn collect(&mut self) {
        while let Some(ended) = self.attempts.try_join_next() {
            self.on_attempt_ended(ended);
        }
    }

    /// Collects one result. There is always one: attempts catch panics, and are aborted only at shutdown.
    fn on_attempt_ended(&mut self, ended: Result<AttemptRecord, JoinError>) {
        let Ok(record) = ended else { return };
        self.in_flight.remove(&record.delivery);
        self.unsaved_results.push(record);
    }

    /// Waits a limited time for the attempts in flight, and releases the other claims.
    async fn finish(&mut self) {
        let all_ended = async {
            while let Some(ended) = self.attempts.join_next().await {
                self.on_attempt_ended(ended);
            }
        };
        let _ = timeout(SHUTDOWN_GRACE, all_ended).await;
        self.attempts.abort_all();
        let released = self.in_flight.iter().map(|(delivery, (_, claim))| AttemptRecord {
            delivery: *delivery,
            claim: *claim,
            result: AttemptResult::Released,
            status: None,
            error: None,
        });
        self.unsaved_results.extend(released);
        // If this fails, the claims expire.
        if let Err(error) = self.outbox.record(&self.unsaved_results).await {
            tracing::warn!(%error, channel = self.channel.name(), "failed to record the last delivery results: messages may be sent again");
        }
    }
}

/// Makes one attempt, and decides what happens to the delivery.
async fn attempt(
    transport: &impl Transport,
    schedule: RetrySchedule,
    attempt_timeout: Duration,
    channel: DeliveryChannel,
    message: &OutboxMessage,
) -> AttemptRecord {
    let retryable = |error| SendResult::Retryable { status: None, error };
    let sent = match message.destination {
        Destination::Unreachable(error) => SendResult::Rejected { status: None, error },
        Destination::Webhook { .. } | Destination::Email { .. } => {
            let sending = AssertUnwindSafe(timeout(attempt_timeout, transport.send(message))).catch_unwind();
            match sending.await {
                Ok(Ok(sent)) => sent,
                Ok(Err(_)) => retryable("timed_out"),
                // A panic. The state of the attempt is dropped.
                Err(_) => retryable("internal_error"),
            }
        }
    };
    let retry = || {
        schedule.wait(message.attempts + 1, message.id).map_or(AttemptResult::Failed, AttemptResult::Retry)
    };
    let (result, status, error) = match sent {
        SendResult::Accepted { status } => (AttemptResult::Delivered, status, None),
        SendResult::Retryable { status, error } => (retry(), status, Some(error)),
        SendResult::Rejected { status, error } => (AttemptResult::Failed, status, Some(error)),
        SendResult::EndpointGone { status } => (AttemptResult::EndpointGone, status, Some("gone")),
    };
    instrumentation::delivery_attempt(channel.name(), result.name());
    AttemptRecord { delivery: message.delivery, claim: message.claim, result, status, error }
}
