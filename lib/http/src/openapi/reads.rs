//! Parameters, headers and problems that all reads of read models share.

use super::Endpoint;
use super::commands::CONSISTENCY_TOKENS;
use super::schemas::{header, in_header, in_query, one_of, pattern, text, whole};
use crate::problem::types::requests;
use crate::routes::paging::MAX_LIMIT;
use utoipa::openapi::header::Header;

const AGE: &str = "Seconds since this read model was last known to be up to date. Grows while Postgres is \
    unavailable or the projector lags.";

/// Syntax of a single consistency token.
const CONSISTENCY_TOKEN: &str = "^[A-Za-z0-9_-]+$";

impl Endpoint {
    /// The endpoint serves a read model, with conditional requests and a selectable consistency.
    pub(crate) fn reads_read_model(self) -> Self {
        let token = "Tokens of earlier responses, separated by commas. The response shows at least that \
                     state. If necessary the portal waits for it.";
        let consistency = "`latest`: show at least the state that is stored when the request arrives. \
                           `stale-ok`: do not wait, whatever `Consistency-Token` requires.";
        self.parameter(in_header("Consistency-Token", pattern(CONSISTENCY_TOKENS), token))
            .parameter(in_header(
                "Prefer",
                text(),
                "`wait=N`: wait at most N seconds for the required state.",
            ))
            .parameter(in_query("consistency", one_of(&["latest", "stale-ok"]), consistency))
            .parameter(in_header("If-None-Match", text(), "`ETag` of a response that the client has."))
            .response_header(200, "Consistency-Token", read_position())
            .response_header(200, "ETag", header(text(), "Strong validator of the response body."))
            .response_header(200, "Age", header(whole(0, None), AGE))
            .response_header(
                200,
                "Preference-Applied",
                header(text(), "Maximum wait time that was applied. Absent without `Prefer: wait=N`."),
            )
            .response_header(
                200,
                "Cache-Control",
                header(text(), "Caches can store the response and must revalidate it before each use."),
            )
            .empty_response(304, "The response that the client has is current.")
            .response_header(304, "ETag", header(text(), "Validator of the response that the client has."))
            .problems(&[
                &requests::INVALID_REQUEST,
                &requests::TOKEN_AHEAD_OF_STORE,
                &requests::READ_MODEL_BEHIND,
            ])
            .needs_backends()
    }

    /// The endpoint returns a list in pages.
    pub(crate) fn paginated(self) -> Self {
        let link = "URL of the next page, as `rel=\"next\"`. Absent on the last page.";
        let limit =
            in_query("limit", whole(1, Some(MAX_LIMIT)), "Maximum number of entries per page. Default: 50.");
        self.parameter(limit)
            .response_header(200, "Link", header(text(), link))
            .problems(&[&requests::INVALID_REQUEST])
    }
}

fn read_position() -> Header {
    header(
        pattern(CONSISTENCY_TOKEN),
        "State that the response shows, combined with the tokens of the request.",
    )
}

/// Returns the description of `Consistency-Token` in responses to decided commands.
pub(crate) fn decided_position() -> Header {
    header(pattern(CONSISTENCY_TOKEN), "Send this token with a read to see the effect of the command.")
}
