//! `GET /command/{handle}`: what became of a command.

use super::InPath;
use crate::answer;
use crate::portal::{Ports, Shared, wall_clock};
use crate::prefer::Prefer;
use crate::problem::Problem;
use auction_app::accept::{Handle, Status};
use auction_domain::Timestamp;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::time::Duration;

pub(super) async fn show_command<P: Ports>(
    State(portal): Shared<P>,
    InPath(command): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let handle = portal.accept.open(&command).ok_or_else(|| {
        Problem::not_found("unknown_command", "no command was ever given this handle by this portal")
    })?;
    let status = portal.accept.status(&handle).await?;
    if matches!(status, Status::Pending) && is_expired(&handle, portal.settings.outcomes_kept, wall_clock()) {
        return Err(Problem::gone("outcome_expired", "what became of a command is not kept so long"));
    }
    answer::status(command, &handle, status, Prefer::from_headers(&headers))
}

/// Whether the outcome of a command may have been deleted.
fn is_expired(handle: &Handle, outcomes_kept: Duration, now: Timestamp) -> bool {
    let age = u64::try_from(now.0.saturating_sub(handle.received_at.0)).unwrap_or_default();
    Duration::from_millis(age) > outcomes_kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_wire::CommandId;
    use uuid::Uuid;

    #[test]
    fn a_handle_expires_when_its_outcome_does() {
        let handle =
            Handle { command: CommandId(Uuid::nil()), received_at: Timestamp(1_000_000), fingerprint: 0 };
        let expired = |now| is_expired(&handle, Duration::from_secs(60), Timestamp(now));
        assert!(!expired(1_060_000));
        assert!(expired(1_060_001));
        assert!(!expired(0), "a clock that went back");
    }
}
