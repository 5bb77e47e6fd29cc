//! What operators ask one process, at an address of its own: whether it runs, how its parts are, and what
//! it has counted. Nothing here is for the public: reasons name servers and addresses.

use crate::readiness::{HealthAudience, readiness};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;
use worker_runtime::health::Health;

/// The format of Prometheus, by its version.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What can be asked.
#[derive(Clone)]
pub struct Admin {
    /// How the parts of the process are.
    pub health: Health,
    /// Writes down what it has counted, in the format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Serves `/livez`, `/readyz` and `/metrics` for ever: also while the process drains, since that is when
/// somebody looks.
pub async fn serve_admin(listener: TcpListener, admin: Admin) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin);
    axum::serve(listener, router).await
}

async fn readyz(State(admin): State<Admin>) -> Response {
    readiness(&admin.health.report(), HealthAudience::Operators)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(CONTENT_TYPE, PROMETHEUS)], (admin.metrics)()).into_response()
}
