//! `GET /livez` and `GET /readyz`.

use crate::portal::{Ports, Shared};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The process runs.
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The process can serve: its servers answer, and it is not about to stop.
pub(super) async fn readyz<P: Ports>(State(portal): Shared<P>) -> Response {
    let mut ready = !portal.stop.requested();
    let mut report = Map::new();
    report.insert("draining".to_owned(), Value::Bool(!ready));
    for (server, answer) in portal.ports.check().await {
        ready &= answer.is_ok();
        report.insert(server.to_owned(), answer.map_or_else(|_| json!("unavailable"), |()| json!("ok")));
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}
