//! Readiness of a process as JSON.
//!
//! For operators, a process is ready (200) if all its checks are up and it is not draining, else 503. For the
//! public, an ingress is ready if at least one backend is up, because it can then serve some requests, unless
//! no command has been decided for a set time.
//!
//! ```json
//! {"ready": false, "draining": false,
//!  "checks": {"writer 07": {"status": "waiting", "last_progress_seconds": 4, "attempts": 3,
//!                           "reason": "postgres: connection refused"}}}
//! ```

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use worker_runtime::health::{HealthCheck, HealthReport, HealthStatus};

/// Name of the public check of decisions.
pub(crate) const DECISIONS: &str = "decisions";

/// Audience of a readiness report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HealthAudience {
    /// The report includes attempts and reasons.
    Operator,
    /// The report includes the status only: a reason contains addresses of backends and other internals.
    Public,
}

/// Readiness of a process.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether the process can serve requests and is not draining.
    ready: bool,
    /// Whether the process is shutting down after it has completed the work in progress.
    draining: bool,
    /// Status of each check, by name.
    checks: BTreeMap<String, CheckStatus>,
}

/// Status of a check.
#[derive(Default, Serialize, ToSchema)]
struct CheckStatus {
    /// Status: `starting`, `up`, `waiting` or `stalled`.
    status: &'static str,
    /// Seconds since the part last did what it is for; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_progress_seconds: Option<u64>,
    /// Number of failed attempts; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// Reason for waiting; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(crate) fn readiness(report: &HealthReport, audience: HealthAudience) -> Response {
    let ready = match audience {
        HealthAudience::Operator => report.is_ready(),
        // Without Redis, some reads are served; without Postgres, reads are served and commands are accepted.
        // All ingresses share their backends: if each dropped out while one backend is down, nothing would be
        // served.
        HealthAudience::Public => {
            let is_up = |(name, check): (&String, &HealthCheck)| {
                name != DECISIONS && check.status == HealthStatus::Up
            };
            let nothing_decided =
                report.checks.get(DECISIONS).is_some_and(|check| check.status != HealthStatus::Up);
            !report.draining && !nothing_decided && report.checks.iter().any(is_up)
        }
    };
    let checks = report.checks.iter().map(|(name, check)| (name.clone(), check_status(check, audience)));
    let body = Readiness { ready, draining: report.draining, checks: checks.collect() };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

fn check_status(check: &HealthCheck, audience: HealthAudience) -> CheckStatus {
    let status = check.status.name();
    if audience == HealthAudience::Public {
        return CheckStatus { status, ..CheckStatus::default() };
    }
    let (attempts, reason) = match &check.status {
        HealthStatus::Waiting { reason, attempts } => (Some(*attempts), Some(reason.clone())),
        HealthStatus::Starting | HealthStatus::Up | HealthStatus::Stalled => (None, None),
    };
    let last_progress_seconds = check.since_progress.map(|since| since.as_secs());
    CheckStatus { status, last_progress_seconds, attempts, reason }
}
