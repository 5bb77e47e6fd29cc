//! How ready a process is, as JSON: 200 if all its parts work and it does not drain, else 503.
//!
//! ```json
//! {"ready": false, "draining": false,
//!  "parts": {"writer 07": {"condition": "waits", "attempts": 3, "why": "postgres: connection refused"}}}
//! ```

use auction_app::health::{Condition, Report};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// They are told why.
    Operators,
    /// They are not: an error names servers, addresses and more.
    Public,
}

/// The answer.
pub(crate) fn readiness(report: &Report, whom: For) -> Response {
    let ready = report.is_ready();
    let parts = report.parts.iter().map(|(name, condition)| (name.clone(), part(condition, whom)));
    let parts: Map<String, Value> = parts.collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": ready, "draining": report.draining, "parts": parts}))).into_response()
}

fn part(condition: &Condition, whom: For) -> Value {
    match (condition, whom) {
        (Condition::Starting, _) => json!({"condition": "starting"}),
        (Condition::Works, _) => json!({"condition": "works"}),
        (Condition::Waits { .. }, For::Public) => json!({"condition": "waits"}),
        (Condition::Waits { why, attempts }, For::Operators) => {
            json!({"condition": "waits", "attempts": attempts, "why": why})
        }
    }
}
