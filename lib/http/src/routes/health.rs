//! `GET /livez` and `GET /readyz`.

use crate::access::Access;
use crate::openapi::schemas::text;
use crate::openapi::{Endpoint, tag};
use crate::readiness::{DECISIONS, HealthAudience, Readiness, readiness};
use crate::state::SharedState;
use axum::extract::State;
use axum::response::Response;
use std::collections::BTreeMap;
use worker_runtime::health::{HealthCheck, HealthReport, HealthStatus};

pub(super) fn livez_endpoint() -> Endpoint {
    Endpoint::get("livez", "/livez", livez)
        .access(Access::Public)
        .rate_cost(0)
        .summary(tag::PORTAL, "Check that the process runs")
        .response_with_media_type(200, "text/plain", text(), "The process runs.")
}

pub(super) fn readyz_endpoint() -> Endpoint {
    Endpoint::get("readyz", "/readyz", readyz)
        .access(Access::Public)
        .rate_cost(0)
        .summary(tag::PORTAL, "Check that the process can serve requests")
        .description(
            "For load balancers. The process is ready while at least one of its backends answers, commands \
             are decided, and it is not shutting down.",
        )
        .response::<Readiness>(200, "The process is ready.")
        .response::<Readiness>(503, "The process is not ready.")
}

async fn livez() -> &'static str {
    "ok\n"
}

/// Returns whether commands of at least one partition were decided recently enough.
fn decisions(portal: &SharedState) -> HealthStatus {
    let since = portal.decisions.since_served();
    match portal.settings.max_undecided {
        Some(limit) if since > limit => {
            let reason = format!("no partition is served for {} s", since.as_secs());
            HealthStatus::Waiting { reason, attempts: 1 }
        }
        _ => HealthStatus::Up,
    }
}

/// Checks all backends, whether commands are decided, and whether the process is draining.
async fn readyz(State(portal): State<SharedState>) -> Response {
    let checks = futures_util::future::join_all(portal.backends.iter().map(async |backend| {
        let status = match backend.ping().await {
            Ok(()) => HealthStatus::Up,
            Err(error) => HealthStatus::Waiting { reason: error.to_string(), attempts: 1 },
        };
        (backend.name().to_owned(), HealthCheck::from(status))
    }));
    let mut checks: BTreeMap<String, HealthCheck> = checks.await.into_iter().collect();
    checks.insert(DECISIONS.to_owned(), decisions(&portal).into());
    let draining = portal.health.report().draining || portal.shutdown.requested();
    let report = HealthReport { draining, checks };
    readiness(&report, HealthAudience::Public)
}
