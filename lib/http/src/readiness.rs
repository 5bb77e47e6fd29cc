//! How ready a process is, as JSON: 200 if all its parts work and it does not drain, else 503. The public is told
//! 200 as long as one of the servers answers: something can be served.
//!
//! ```json
//! {"ready": false, "draining": false,
//!  "parts": {"writer 07": {"condition": "waits", "attempts": 3, "why": "postgres: connection refused"}}}
//! ```

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use worker_runtime::health::{HealthReport, HealthStatus};

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HealthAudience {
    /// They are told why.
    Operators,
    /// They are not: an error names servers, addresses and more.
    Public,
}

/// How ready a process is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// It can serve, and does not drain.
    ready: bool,
    /// It finishes what is in hand and ends.
    draining: bool,
    /// How each part is, by name.
    parts: BTreeMap<String, PartReadiness>,
}

/// How a part is.
#[derive(Default, Serialize, ToSchema)]
struct PartReadiness {
    /// `starting`, `set_up`, or `waits`.
    condition: &'static str,
    /// How many times it has tried; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// What it waits for; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The answer.
pub(crate) fn readiness(report: &HealthReport, whom: HealthAudience) -> Response {
    let ready = match whom {
        HealthAudience::Operators => report.is_ready(),
        // Without Redis some reads are served, without Postgres commands are taken and reads served: to take every
        // ingress out of a balancer because one server is away would make it worse.
        HealthAudience::Public => {
            !report.draining && report.parts.values().any(|part| *part == HealthStatus::Up)
        }
    };
    let parts = report.parts.iter().map(|(name, condition)| (name.clone(), part(condition, whom))).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, draining: report.draining, parts })).into_response()
}

fn part(condition: &HealthStatus, whom: HealthAudience) -> PartReadiness {
    match (condition, whom) {
        (HealthStatus::Starting, _) => PartReadiness { condition: "starting", ..PartReadiness::default() },
        (HealthStatus::Up, _) => PartReadiness { condition: "works", ..PartReadiness::default() },
        (HealthStatus::Waiting { .. }, HealthAudience::Public) => {
            PartReadiness { condition: "waits", ..PartReadiness::default() }
        }
        (HealthStatus::Waiting { reason: why, attempts }, HealthAudience::Operators) => {
            PartReadiness { condition: "waits", attempts: Some(*attempts), why: Some(why.clone()) }
        }
    }
}
