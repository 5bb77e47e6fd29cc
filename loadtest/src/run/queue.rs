//! Requests that are due, for whichever connection is free.

use crate::run::plan::PlannedRequest;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior};

/// What is due and not taken yet.
pub(crate) struct Queue {
    due: Mutex<VecDeque<PlannedRequest>>,
    permits: Semaphore,
    began: Instant,
}

impl Queue {
    /// Times count from a moment.
    pub(crate) fn new(began: Instant) -> Queue {
        Queue { due: Mutex::default(), permits: Semaphore::new(0), began }
    }

    /// Microseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// How long ago something was due.
    pub(crate) fn since(&self, due: u64) -> u32 {
        u32::try_from(self.now().saturating_sub(due)).unwrap_or(u32::MAX)
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, VecDeque<PlannedRequest>> {
        // Nothing that panics is done while it is held.
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one; none when there will be no more.
    pub(crate) async fn next(&self) -> Option<PlannedRequest> {
        // It is never closed.
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
        self.requests().pop_front()
    }

    /// All that are due by now, one at least, at most so many; nothing when there will be no more.
    pub(crate) async fn take(&self, into: &mut Vec<PlannedRequest>, most: usize) {
        into.extend(self.next().await);
        if into.is_empty() {
            return;
        }
        let mut due = self.requests();
        while into.len() < most && !due.is_empty() {
            let Ok(permit) = self.permits.try_acquire() else { break };
            permit.forget();
            into.extend(due.pop_front());
        }
    }

    /// Hands out each when it is due, whether those before are answered or not, until there are no more or it is
    /// time to stop; then lets `workers` end. How many there were.
    pub(crate) async fn feed(
        &self,
        asks: impl Iterator<Item = PlannedRequest>,
        workers: usize,
        stop: &tokio::sync::watch::Receiver<bool>,
    ) -> u64 {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut asks, mut handed_out) = (asks.peekable(), 0);
        while asks.peek().is_some() && !*stop.borrow() {
            ticks.tick().await;
            let now = self.now();
            let mut count = 0;
            {
                let mut due = self.requests();
                while let Some(ask) = asks.next_if(|ask| ask.due <= now) {
                    due.push_back(ask);
                    count += 1;
                }
            }
            handed_out += count as u64;
            self.permits.add_permits(count);
        }
        self.permits.add_permits(workers);
        handed_out
    }
}
