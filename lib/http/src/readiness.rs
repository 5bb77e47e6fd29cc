//! Readiness of a process as JSON.
//!
//! For operators, a process is ready (200) if all its checks are up and it is not draining, else 503. For the
//! public, an ingress is ready if at least one backend is up, because it can then serve some requests.
//!
//! ```json
//! {"ready": false, "draining": false,
//!  "checks": {"writer 07": {"status": "waiting", "attempts": 3, "reason": "postgres: connection refused"}}}
//! ```

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use worker_runtime::health::{HealthReport, HealthStatus};

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
    /// Status: `starting`, `up` or `waiting`.
    status: &'static str,
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
            !report.draining && report.checks.values().any(|status| *status == HealthStatus::Up)
        }
    };
    let checks = report.checks.iter().map(|(name, status)| (name.clone(), check_status(status, audience)));
    let body = Readiness { ready, draining: report.draining, checks: checks.collect() };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

fn check_status(status: &HealthStatus, audience: HealthAudience) -> CheckStatus {
    match (status, audience) {
        (HealthStatus::Starting, _) => CheckStatus { status: "starting", ..CheckStatus::default() },
        (HealthStatus::Up, _) => CheckStatus { status: "up", ..CheckStatus::default() },
        (HealthStatus::Waiting { .. }, HealthAudience::Public) => {
            CheckStatus { status: "waiting", ..CheckStatus::default() }
        }
        (HealthStatus::Waiting { reason, attempts }, HealthAudience::Operator) => {
            CheckStatus { status: "waiting", attempts: Some(*attempts), reason: Some(reason.clone()) }
        }
    }
}
