//! `GET /livez` and `GET /readyz`.

use crate::openapi::schemas::text;
use crate::openapi::{Endpoint, tag};
use crate::readiness::{HealthAudience, Readiness, readiness};
use crate::state::{Ports, SharedState, StateExtractor};
use axum::extract::State;
use axum::response::Response;
use worker_runtime::health::{HealthReport, HealthStatus};

/// The process runs.
pub(super) fn livez_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("livez", "/livez", livez)
        .by_everybody()
        .costs(0)
        .summary(tag::PORTAL, "Does the process run?")
        .answers_with(200, "text/plain", text(), "It does.")
}

pub(super) fn readyz_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("readyz", "/readyz", readyz::<P>)
        .by_everybody()
        .costs(0)
        .summary(tag::PORTAL, "Can the process serve?")
        .about("For load balancers: one of its servers answers at least, and it is not about to stop.")
        .answers::<Readiness>(200, "It can.")
        .answers::<Readiness>(503, "It cannot, for now.")
}

async fn livez() -> &'static str {
    "ok\n"
}

/// The process can serve: its servers answer, and it is not about to stop.
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
        draining: portal.health.report().draining || portal.stop.requested(),
        parts: parts.collect(),
    };
    readiness(&report, HealthAudience::Public)
}
