//! `GET /command/{handle}`: status and outcome of a command.

use super::InPath;
use crate::access::Access;
use crate::command_response;
use crate::consistency::known;
use crate::openapi::commands::{CONSISTENCY_TOKENS, PASSED_ON, preference_applied};
use crate::openapi::reads::decided_position;
use crate::openapi::schemas::{header, in_header, in_path, pattern, retry_after, text};
use crate::openapi::{Endpoint, tag};
use crate::prefer::Prefer;
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{SharedState, wall_clock};
use auction_app::ingress::command_gateway::{CommandHandle, CommandStatus};
use auction_domain::Timestamp;
use auction_wire::api::{CommandDone, CommandFailed, CommandPending};
use auction_wire::time;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::time::Duration;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("show_command", "/command/{handle}", show_command)
        .access(Access::Public)
        .summary(tag::COMMANDS, "Show the outcome of a command")
        .description(
            "The command handle is in `Location` of the response to the command. For a refused command the \
             response is its refusal.",
        )
        .parameter(in_path("handle", text(), "Command handle."))
        .parameter(in_header("Prefer", text(), PREFER))
        .response::<CommandPending>(200, "The command is not decided yet.")
        .response::<CommandFailed>(200, "The command could not be processed and had no effect.")
        .response::<CommandDone>(200, "The command is accepted. Only with `Prefer: return=representation`.")
        .response_header(200, "Retry-After", retry_after())
        .response_header(200, "Preference-Applied", preference_applied())
        .response_header(200, "Consistency-Token", decided_position())
        .response::<CommandDone>(303, "The command is accepted.")
        .response_header(303, "Location", header(text(), "URL of the resource that shows the effect."))
        .response_header(303, "Consistency-Token", decided_position())
        .parameter(in_header("Consistency-Token", pattern(CONSISTENCY_TOKENS), PASSED_ON))
        .problems(&[
            &requests::INVALID_REQUEST,
            &requests::UNKNOWN_COMMAND,
            &requests::OUTCOME_EXPIRED,
            &requests::COMMAND_LOST,
            &requests::IDEMPOTENCY_KEY_REUSED,
        ])
        .problems(&refusals::all().iter().collect::<Vec<_>>())
        .problems(&[&requests::OPERATOR_ROLE_REQUIRED])
        .needs_backends()
}

async fn show_command(
    State(portal): State<SharedState>,
    InPath(command): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let handle =
        portal.commands.decode_handle(&command).ok_or_else(|| Problem::of(&requests::UNKNOWN_COMMAND))?;
    let known = known(&headers, portal.partitions)?;
    let prefer = Prefer::from_headers(&headers);
    let longest = portal.settings.max_wait;
    // Before the lookup: a command that is decided in between has its outcome.
    let is_lost = portal.decisions.is_lost(handle.received_at);
    let status = portal.commands.status_within(&handle, prefer.wait(longest)).await?;
    if matches!(status, CommandStatus::Pending)
        && is_expired(&handle, portal.settings.outcome_retention, wall_clock())
    {
        return Err(Problem::of(&requests::OUTCOME_EXPIRED)
            .with("received_at", time::format(handle.received_at))
            .with("kept_seconds", portal.settings.outcome_retention.as_secs()));
    }
    if matches!(status, CommandStatus::Pending) && is_lost {
        return Err(
            Problem::of(&requests::COMMAND_LOST).with("received_at", time::format(handle.received_at))
        );
    }
    command_response::status(command, &handle, status, prefer, longest, known)
}

const PREFER: &str = "`wait=N`: wait up to N seconds for the outcome, within the maximum of the portal. \
    `return=representation`: return the result instead of a redirect.";

/// Returns whether retention may have deleted the outcome of a command.
fn is_expired(handle: &CommandHandle, outcomes_kept: Duration, now: Timestamp) -> bool {
    let age = u64::try_from(now.0.saturating_sub(handle.received_at.0)).unwrap_or_default();
    Duration::from_millis(age) > outcomes_kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_wire::CommandId;
    use uuid::Uuid;

    #[test]
    fn handle_expires_with_its_outcome() {
        let handle = CommandHandle {
            command: CommandId(Uuid::nil()),
            received_at: Timestamp(1_000_000),
            fingerprint: 0,
            partition: None,
        };
        let expired = |now| is_expired(&handle, Duration::from_secs(60), Timestamp(now));
        assert!(!expired(1_060_000));
        assert!(expired(1_060_001));
        assert!(!expired(0), "the clock was set back");
    }
}
