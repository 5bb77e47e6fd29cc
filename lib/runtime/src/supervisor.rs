//! Supervision of a task that repeats a fallible operation until shutdown.

use crate::Retry;
use crate::health::HealthHandle;
use crate::shutdown::ShutdownSignal;
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Supervisor of one task: waits between failed attempts, and reports failures and recovery.
///
/// The first failure after a success is logged as a warning, later ones for debugging only. The recovery is
/// logged, too. If the task has a health handle, it shows the last failure until the next success.
#[derive(Debug)]
pub struct Supervisor {
    task: String,
    health: Option<HealthHandle>,
    stop: ShutdownSignal,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    retry: Retry,
    /// Whether a failure is logged and no success after it.
    failing: bool,
}

impl Supervisor {
    /// Supervises a task whose health is part of the health of the process.
    pub fn new(health: HealthHandle, stop: ShutdownSignal) -> Supervisor {
        let task = health.name().to_owned();
        Supervisor { task, health: Some(health), stop, state: Mutex::default() }
    }

    /// Supervises a task without which the process stays ready.
    pub fn without_health(task: impl Into<String>, stop: ShutdownSignal) -> Supervisor {
        Supervisor { task: task.into(), health: None, stop, state: Mutex::default() }
    }

    /// Declares the longest time that the task waits until it does something, if that is longer than a few
    /// seconds.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Supervisor {
        if let Some(health) = &self.health {
            health.set_interval(interval);
        }
        self
    }

    /// Whether the shutdown was requested. No attempt should start then.
    pub fn stopping(&self) -> bool {
        self.stop.requested()
    }

    /// Returns the signal that ends the task.
    pub fn stop(&self) -> ShutdownSignal {
        self.stop.clone()
    }

    /// Waits for `wait`, or until the shutdown is requested.
    pub async fn sleep(&self, wait: Duration) {
        self.stop().sleep(wait).await;
    }

    /// Waits for one attempt, and reports its result. After a failure, waits until the next attempt may start
    /// and returns `None`.
    pub async fn attempt<T, E: Display>(&self, operation: impl Future<Output = Result<T, E>>) -> Option<T> {
        match operation.await {
            Ok(value) => {
                self.succeeded();
                Some(value)
            }
            Err(error) => {
                self.failed(&error).await;
                None
            }
        }
    }

    /// Repeats an operation until it succeeds. Returns `None` if the shutdown is requested first.
    pub async fn until_success<T, E: Display, Attempt>(
        &self,
        mut operation: impl FnMut() -> Attempt,
    ) -> Option<T>
    where
        Attempt: Future<Output = Result<T, E>>,
    {
        while !self.stopping() {
            if let Some(value) = self.attempt(operation()).await {
                return Some(value);
            }
        }
        None
    }

    /// Reports that the task made progress. An attempt that lasts until shutdown calls this itself.
    pub fn succeeded(&self) {
        let mut state = self.state();
        state.retry.succeeded();
        let recovered = std::mem::take(&mut state.failing);
        drop(state);
        if let Some(health) = &self.health {
            health.set_up();
        }
        if recovered {
            tracing::info!(task = self.task, "task recovered");
        }
    }

    /// Reports progress of an attempt that is not complete yet.
    pub fn progressed(&self) {
        if let Some(health) = &self.health {
            health.set_progress();
        }
    }

    /// Reports a failed attempt, and waits until the next one may start.
    pub async fn failed(&self, error: &impl Display) {
        self.report_failure(error);
        self.back_off().await;
    }

    /// Reports a failed attempt, without a wait.
    pub fn report_failure(&self, error: &impl Display) {
        if let Some(health) = &self.health {
            health.set_waiting(error);
        }
        let logged = std::mem::replace(&mut self.state().failing, true);
        if logged {
            tracing::debug!(task = self.task, %error, "task still fails");
        } else {
            tracing::warn!(task = self.task, %error, "task failed, retrying");
        }
    }

    /// Waits until the next attempt may start, without a report.
    pub async fn back_off(&self) {
        let wait = self.state().retry.next_wait();
        self.sleep(wait).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every operation, so a panic of another holder does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Health, HealthStatus};
    use crate::shutdown::shutdown_pair;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::Instant;

    fn attempt_after(failures: u32) -> impl FnMut() -> std::future::Ready<Result<u32, String>> {
        let attempts = AtomicU32::new(0);
        move || {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            std::future::ready(if attempt < failures { Err("refused".to_owned()) } else { Ok(attempt) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn supervisor_waits_longer_after_each_failure_until_success() {
        let (health, (_trigger, stop)) = (Health::default(), shutdown_pair());
        let supervisor = Supervisor::new(health.register("writer 00"), stop);
        let began = Instant::now();
        assert_eq!(supervisor.until_success(attempt_after(20)).await, Some(20));
        assert!(began.elapsed() > Duration::from_secs(30));
        assert_eq!(health.report().checks["writer 00"].status, HealthStatus::Up);
        let began = Instant::now();
        supervisor.attempt(attempt_after(1)()).await;
        assert!(began.elapsed() < Duration::from_millis(100), "the backoff starts again");
        let waiting = HealthStatus::Waiting { reason: "refused".to_owned(), attempts: 1 };
        assert_eq!(health.report().checks["writer 00"].status, waiting);
    }

    #[tokio::test(start_paused = true)]
    async fn supervisor_ends_at_shutdown() {
        let (trigger, stop) = shutdown_pair();
        let supervisor = Supervisor::without_health("secret", stop);
        let stopped = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            trigger.stop();
        };
        let (result, ()) = tokio::join!(supervisor.until_success(attempt_after(u32::MAX)), stopped);
        assert_eq!(result, None);
    }
}
