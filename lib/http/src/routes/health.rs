//! `GET /livez` and `GET /readyz`.

use crate::access::Access;
use crate::openapi::schemas::text;
use crate::openapi::{Endpoint, tag};
use crate::readiness::{HealthAudience, Readiness, readiness};
use crate::state::{Ports, SharedState, StateExtractor};
use axum::extract::State;
use axum::response::Response;
use worker_runtime::health::{HealthReport, HealthStatus};

pub(super) fn livez_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("livez", "/livez", livez)
        .access(Access::Public)
        .rate_cost(0)
        .summary(tag::PORTAL, "Check that the process runs")
        .response_with_media_type(200, "text/plain", text(), "The process runs.")
}

pub(super) fn readyz_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("readyz", "/readyz", readyz::<P>)
        .access(Access::Public)
        .rate_cost(0)
        .summary(tag::PORTAL, "Check that the process can serve requests")
        .description(
            "For load balancers. The process is ready while at least one of its backends answers and it is \
             not shutting down.",
        )
        .response::<Readiness>(200, "The process is ready.")
        .response::<Readiness>(503, "The process is not ready.")
}

async fn livez() -> &'static str {
    "ok\n"
}

/// Checks all backends and whether the process is draining.
async fn readyz<P: Ports>(State(portal): StateExtractor<P>) -> Response {
    let answers = portal.ports.check().await;
    let parts = answers.into_iter().map(|(server, answer)| {
        let condition = match answer {
            Ok(()) => HealthStatus::Up,
            Err(error) => HealthStatus::Waiting { reason: error.to_string(), attempts: 1 },
        };
        (server.to_owned(), condition)
    });
    let report = HealthReport {
        draining: portal.health.report().draining || portal.shutdown.requested(),
        checks: parts.collect(),
    };
    readiness(&report, HealthAudience::Public)
}
