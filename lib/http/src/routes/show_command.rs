//! `GET /command/{handle}`: what became of a command.

use super::InPath;
use crate::command_response;
use crate::consistency::known;
use crate::openapi::commands::applied;
use crate::openapi::reads::decided;
use crate::openapi::schemas::{header, in_header, in_path, pattern, retry_after, text};
use crate::openapi::{Endpoint, tag};
use crate::prefer::Prefer;
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor, wall_clock};
use auction_app::ingress::command_gateway::{CommandHandle, CommandStatus};
use auction_domain::Timestamp;
use auction_wire::api::{CommandDone, CommandFailed, CommandPending};
use auction_wire::time;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::time::Duration;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_command", "/command/{handle}", show_command::<P>)
        .by_everybody()
        .summary(tag::COMMANDS, "Ask what became of a command")
        .about("The handle is from `Location` of the answer to the command. A command that was refused is shown as its refusal.")
        .takes(in_path("handle", text(), "The handle."))
        .takes(in_header("Prefer", text(), PREFER))
        .answers::<CommandPending>(200, "It is not decided yet.")
        .answers::<CommandFailed>(200, "It could not be handled, and had no effect.")
        .answers::<CommandDone>(200, "It is done, and `return=representation` was preferred.")
        .with_header(200, "Retry-After", retry_after())
        .with_header(200, "Preference-Applied", applied())
        .with_header(200, "Consistency-Token", decided())
        .answers::<CommandDone>(303, "It is done.")
        .with_header(303, "Location", header(text(), "Where the effect is to be seen."))
        .with_header(303, "Consistency-Token", decided())
        .takes(in_header(
            "Consistency-Token",
            pattern("^[A-Za-z0-9_, -]+$"),
            "What the client has seen; passed on in the token of the answer.",
        ))
        .problems(&[&requests::INVALID_REQUEST, &requests::UNKNOWN_COMMAND, &requests::OUTCOME_EXPIRED, &requests::IDEMPOTENCY_KEY_REUSED])
        .problems(refusals::ALL)
        .problems(&[&requests::OPERATORS_ONLY])
        .needs_servers()
}

async fn show_command<P: Ports>(
    State(portal): StateExtractor<P>,
    InPath(command): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let handle = portal.accept.open(&command).ok_or_else(|| Problem::of(&requests::UNKNOWN_COMMAND))?;
    let known = known(&headers, portal.partitions)?;
    let prefer = Prefer::from_headers(&headers);
    let longest = portal.settings.longest_wait;
    let status = portal.accept.status_within(&handle, prefer.wait(longest)).await?;
    if matches!(status, CommandStatus::Pending)
        && is_expired(&handle, portal.settings.outcomes_kept, wall_clock())
    {
        return Err(Problem::of(&requests::OUTCOME_EXPIRED)
            .with("received_at", time::format(handle.received_at))
            .with("kept_seconds", portal.settings.outcomes_kept.as_secs()));
    }
    command_response::status(command, &handle, status, prefer, longest, known)
}

const PREFER: &str = "`wait=N`: if it is not decided yet, wait for it so many seconds (there is a longest wait), whichever \
                      ingress took it. `return=representation`: the result itself instead of a redirect.";

/// Whether the outcome of a command may have been deleted.
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
    fn a_handle_expires_when_its_outcome_does() {
        let handle = CommandHandle {
            command: CommandId(Uuid::nil()),
            received_at: Timestamp(1_000_000),
            fingerprint: 0,
        };
        let expired = |now| is_expired(&handle, Duration::from_secs(60), Timestamp(now));
        assert!(!expired(1_060_000));
        assert!(expired(1_060_001));
        assert!(!expired(0), "a clock that went back");
    }
}
