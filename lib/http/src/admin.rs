//! Admin server of a process, at an address of its own: liveness, readiness and metrics. It has no
//! authentication, and its answers contain addresses of backends. Do not expose it publicly.

use crate::readiness::{HealthAudience, readiness};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;
use worker_runtime::health::Health;

/// Media type of the Prometheus text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// State of the admin server.
#[derive(Clone)]
pub struct Admin {
    pub health: Health,
    /// Renders all metrics in the Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Serves `/livez`, `/readyz` and `/metrics` until the process ends. It goes on while the process drains,
/// when its status matters most.
pub async fn serve_admin(listener: TcpListener, admin: Admin) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin);
    axum::serve(listener, router).await
}

async fn readyz(State(admin): State<Admin>) -> Response {
    readiness(&admin.health.report(), HealthAudience::Operator)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(CONTENT_TYPE, PROMETHEUS)], (admin.metrics)()).into_response()
}
