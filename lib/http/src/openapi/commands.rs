//! Parameters, responses and problems that all commands share.

use super::Endpoint;
use super::reads::decided_position;
use super::schemas::{header, in_header, pattern, retry_after, text};
use crate::problem::types::requests;
use auction_wire::api::{CommandDone, CommandFailed, CommandPending};

/// Effect of an accepted command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A new resource: 201.
    Creates,
    /// A change of an existing resource: 200.
    Changes,
}

/// Syntax of `Consistency-Token` in requests: one or more tokens, separated by commas.
pub(crate) const CONSISTENCY_TOKENS: &str = "^[A-Za-z0-9_, -]+$";

/// Description of `Consistency-Token` where it does not influence the response.
pub(crate) const PASSED_ON: &str =
    "Tokens of earlier responses, separated by commas. The token of the response includes them.";

/// Syntax of `Idempotency-Key`: visible characters; without quotes only those that have no meaning in
/// headers.
const KEY: &str = r#"^([!#-+\-.-:<-\[\]-~]{1,255}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#;

/// Syntax of `Idempotency-Key` for anonymous callers. The minimum length keeps two callers from using the
/// same key.
const ANONYMOUS_KEY: &str = r#"^([!#-+\-.-:<-\[\]-~]{32,255}|"([!#-\[\]-~]|\\["\\]){32,255}")$"#;

const IDEMPOTENCY_KEY: &str = "Makes the request safe to repeat. All requests with this key have one \
    effect and the same outcome, also while the first request is pending. The same key with another \
    payload is refused. The key is valid as long as the outcome is kept. Visible ASCII characters, with \
    or without double quotes.";

const PREFER: &str = "`wait=N`: wait up to N seconds for the outcome, within the maximum of the portal. \
    `respond-async`: do not wait.";

impl Endpoint {
    /// The endpoint needs Redis or Postgres. All endpoints that check credentials do.
    pub(crate) fn needs_backends(self) -> Self {
        self.problems(&[&requests::TEMPORARILY_UNAVAILABLE])
    }

    /// The endpoint sends a command of the calling user or operator.
    pub(crate) fn command(self, effect: Effect) -> Self {
        self.command_with(effect, KEY)
    }

    /// The endpoint sends a command that no user sends yet, such as a sign-up.
    pub(crate) fn anonymous_command(self, effect: Effect) -> Self {
        self.command_with(effect, ANONYMOUS_KEY)
    }

    fn command_with(self, effect: Effect, key_pattern: &str) -> Self {
        let (status, description) = match effect {
            Effect::Creates => (201, "Accepted within the wait time: the resource is created."),
            Effect::Changes => (200, "Accepted within the wait time: the change is made."),
        };
        let trace = "W3C Trace Context, recorded with the command and its events.";
        self.parameter(in_header("Consistency-Token", pattern(CONSISTENCY_TOKENS), PASSED_ON))
            .parameter(in_header("Idempotency-Key", pattern(key_pattern), IDEMPOTENCY_KEY))
            .parameter(in_header("Prefer", text(), PREFER))
            .parameter(in_header("traceparent", text(), trace))
            .response::<CommandPending>(202, "The command is stored durably and not decided yet.")
            .response::<CommandFailed>(202, "The command could not be processed and had no effect.")
            .response_header(202, "Location", header(text(), "Command handle: URL of the outcome."))
            .response_header(202, "Retry-After", retry_after())
            .response_header(202, "Preference-Applied", preference_applied())
            .response::<CommandDone>(status, description)
            .response_header(status, "Location", header(text(), "URL of the resource that shows the effect."))
            .response_header(status, "Consistency-Token", decided_position())
            .response_header(status, "Preference-Applied", preference_applied())
            .problems(&[&requests::INVALID_REQUEST, &requests::IDEMPOTENCY_KEY_REUSED, &requests::OVERLOADED])
            .needs_backends()
    }

    /// The endpoint sends a command for an existing auction.
    pub(crate) fn command_for_auction(self, effect: Effect) -> Self {
        let if_match = "`ETag` of the auction as you read it. If the auction has another version when the \
                        command is decided, the command is refused with `version_conflict`, which \
                        contains both versions.";
        self.command(effect).parameter(in_header("If-Match", text(), if_match))
    }
}

/// Returns the description of the response header `Preference-Applied`.
pub(crate) fn preference_applied() -> utoipa::openapi::header::Header {
    header(text(), "Preference that was applied. Absent if none was.")
}
