//! Queue of requests that are due, shared by all connections.

use crate::run::plan::PlannedRequest;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::Instant;

/// Interval at which it is checked whether the requests must end early.
const POLL_INTERVAL_US: u64 = 10_000;

/// Requests that are due and not yet taken.
pub(crate) struct Queue {
    due: Mutex<VecDeque<PlannedRequest>>,
    /// One permit for each request; closed after the last one.
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
        // After the queue is closed, the remaining requests need no permit.
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
        self.requests().pop_front()
    }

    /// Adds each request when it is due, until the last one or until `stop` is set; then lets the workers end.
    pub(crate) async fn enqueue_when_due(
        self: &Arc<Queue>,
        requests: impl Iterator<Item = PlannedRequest> + Send + 'static,
        stop: &watch::Receiver<bool>,
    ) {
        let (queue, stop) = (Arc::clone(self), stop.clone());
        let (caller, ended) = oneshot::channel::<()>();
        // A thread, because timers of the runtime are up to a millisecond late.
        std::thread::spawn(move || {
            for request in requests {
                loop {
                    if *stop.borrow() || caller.is_closed() {
                        return queue.permits.close();
                    }
                    match request.due.saturating_sub(queue.now()) {
                        0 => break,
                        wait => std::thread::sleep(Duration::from_micros(wait.min(POLL_INTERVAL_US))),
                    }
                }
                queue.requests().push_back(request);
                queue.permits.add_permits(1);
            }
            queue.permits.close();
        });
        // The thread drops its half when it ends.
        let _ = ended.await;
    }
}
