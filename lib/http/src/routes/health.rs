//! `GET /livez` and `GET /readyz`.

use crate::portal::{Ports, Shared};
use crate::readiness::{For, readiness};
use auction_app::health::{Condition, Report};
use axum::extract::State;
use axum::response::Response;

/// The process runs.
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The process can serve: its servers answer, and it is not about to stop.
pub(super) async fn readyz<P: Ports>(State(portal): Shared<P>) -> Response {
    let answers = portal.ports.check().await;
    let parts = answers.into_iter().map(|(server, answer)| {
        let condition = match answer {
            Ok(()) => Condition::Works,
            Err(error) => Condition::Waits { why: error.to_string(), attempts: 1 },
        };
        (server.to_owned(), condition)
    });
    let report = Report { draining: portal.stop.requested(), parts: parts.collect() };
    readiness(&report, For::Public)
}
