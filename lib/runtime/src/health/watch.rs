//! Logs parts that stay not ready, and their recovery.

use super::{Health, HealthCheck, HealthReport, HealthStatus, State};
use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;

/// Interval at which the health is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// Time after which a part that starts or waits is logged. The task itself logs its first failure at once.
const LOG_AFTER: Duration = Duration::from_secs(10);

/// Starts a thread that logs every part that stays not ready, until all clones of the health are dropped. It
/// is no task, because a blocked task could block it as well.
///
/// # Errors
///
/// Returns an error if the thread cannot be started.
pub fn watch(health: &Health) -> std::io::Result<()> {
    let health = std::sync::Arc::downgrade(&health.0);
    let thread = std::thread::Builder::new().name("health".to_owned());
    thread.spawn(move || log_changes(&health)).map(drop)
}

fn log_changes(health: &Weak<State>) {
    let mut logged = BTreeSet::new();
    while let Some(state) = health.upgrade() {
        let report = Health(state).report();
        // A process that drains is expected to become not ready.
        if !report.draining {
            log_change(&report, &mut logged);
        }
        std::thread::sleep(INTERVAL);
    }
}

fn log_change(report: &HealthReport, logged: &mut BTreeSet<String>) {
    for (name, check) in &report.checks {
        if check.status == HealthStatus::Up {
            if logged.remove(name) {
                tracing::info!(part = name, "part ready again");
            }
        } else if must_log(check) && logged.insert(name.clone()) {
            let seconds = check.not_up_for.unwrap_or_default().as_secs();
            tracing::warn!(part = name, status = %check.status, seconds, "part not ready");
        }
    }
    // A part that was dropped, because its partition moved, has no recovery.
    logged.retain(|name| report.checks.contains_key(name));
}

fn must_log(check: &HealthCheck) -> bool {
    check.status == HealthStatus::Stalled || check.not_up_for.is_some_and(|since| since >= LOG_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn health_watch_logs_a_part_once_until_it_is_up() {
        let (health, mut logged) = (Health::default(), BTreeSet::new());
        let (stalled, waiting) = (health.register("writer 00"), health.register("writer 01"));
        stalled.set_up();
        waiting.set_waiting("postgres: connection refused");
        log_change(&health.report(), &mut logged);
        assert!(logged.is_empty(), "the task itself has logged its first failure");
        tokio::time::advance(Duration::from_secs(11)).await;
        log_change(&health.report(), &mut logged);
        assert_eq!(logged, BTreeSet::from(["writer 00".to_owned(), "writer 01".to_owned()]));
        stalled.set_up();
        drop(waiting);
        log_change(&health.report(), &mut logged);
        assert!(logged.is_empty());
    }
}
