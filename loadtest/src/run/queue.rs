//! Queue of requests that are due, shared by all connections.

use crate::run::plan::PlannedRequest;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior};

/// Requests that are due and not yet taken.
pub(crate) struct Queue {
    due: Mutex<VecDeque<PlannedRequest>>,
    permits: Semaphore,
    began: Instant,
}

impl Queue {
    /// Creates a queue whose due times are relative to `began`.
    pub(crate) fn new(began: Instant) -> Queue {
        Queue { due: Mutex::default(), permits: Semaphore::new(0), began }
    }

    /// Returns the microseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns the microseconds since a due time.
    pub(crate) fn since(&self, due: u64) -> u32 {
        u32::try_from(self.now().saturating_sub(due)).unwrap_or(u32::MAX)
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, VecDeque<PlannedRequest>> {
        // The lock is never poisoned: no code that can panic runs under it.
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next request; returns none after the last one.
    pub(crate) async fn next(&self) -> Option<PlannedRequest> {
        // The semaphore is never closed.
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
        self.requests().pop_front()
    }

    /// Waits for a request, then takes up to `max` requests that are due. `into` stays empty after the last
    /// request.
    pub(crate) async fn take(&self, into: &mut Vec<PlannedRequest>, max: usize) {
        into.extend(self.next().await);
        if into.is_empty() {
            return;
        }
        let mut due = self.requests();
        while into.len() < max && !due.is_empty() {
            let Ok(permit) = self.permits.try_acquire() else { break };
            permit.forget();
            into.extend(due.pop_front());
        }
    }

    /// Adds each request when it is due, until the last one or until `stop` is set; then lets `workers` end.
    /// Returns the number of requests added.
    pub(crate) async fn enqueue_when_due(
        &self,
        requests: impl Iterator<Item = PlannedRequest>,
        workers: usize,
        stop: &tokio::sync::watch::Receiver<bool>,
    ) -> u64 {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut requests, mut enqueued) = (requests.peekable(), 0);
        while requests.peek().is_some() && !*stop.borrow() {
            ticks.tick().await;
            let now = self.now();
            let mut count = 0;
            {
                let mut due = self.requests();
                while let Some(request) = requests.next_if(|request| request.due <= now) {
                    due.push_back(request);
                    count += 1;
                }
            }
            enqueued += count as u64;
            self.permits.add_permits(count);
        }
        self.permits.add_permits(workers);
        enqueued
    }
}
