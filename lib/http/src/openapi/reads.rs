//! What all reads of views have in common.

use super::Endpoint;
use super::schemas::{header, in_header, in_query, one_of, pattern, text, whole};
use crate::auth::Authenticator;
use crate::problem::types::requests;
use utoipa::openapi::header::Header;

const AGE: &str = "So many seconds ago it was known to be all that there is. It grows while the store is away, or the \
                   read models do not follow.";

/// What tokens look like.
const TOKEN: &str = "^[A-Za-z0-9_-]+$";

impl<S: Authenticator> Endpoint<S> {
    /// It reads a view, and can be asked to be fresh.
    pub(crate) fn reads_a_view(self) -> Self {
        let given = "One of another answer, or several with commas: at least what they say is shown. It is waited for \
                     if need be.";
        let asked = "`latest`: at least what is stored when the request comes in is shown. `stale-ok`: nothing is \
                     waited for.";
        self.takes(in_header("Consistency-Token", pattern("^[A-Za-z0-9_, -]+$"), given))
            .takes(in_header("Prefer", text(), "`wait=N`: wait at most N seconds for it."))
            .takes(in_query("consistency", one_of(&["latest", "stale-ok"]), asked))
            .takes(in_header("If-None-Match", text(), "An `ETag` that the client holds."))
            .with_header(200, "Consistency-Token", shown())
            .with_header(200, "ETag", header(text(), "Changes with the bytes."))
            .with_header(200, "Age", header(whole(0, None), AGE))
            .with_header(
                200,
                "Preference-Applied",
                header(text(), "How long would have been waited, if that was said."),
            )
            .with_header(200, "Cache-Control", header(text(), "Caches ask before they use it."))
            .answers_with_nothing(304, "The client has it already.")
            .with_header(304, "ETag", header(text(), "Of what the client has."))
            .problems(&[
                &requests::INVALID_REQUEST,
                &requests::TOKEN_AHEAD_OF_STORE,
                &requests::PROJECTION_BEHIND,
            ])
            .needs_servers()
    }

    /// It reads a page of a list.
    pub(crate) fn reads_pages(self) -> Self {
        self.with_header(200, "Link", header(text(), "`rel=\"next\"`: the next page; absent on the last."))
    }
}

fn shown() -> Header {
    header(pattern(TOKEN), "How fresh this is, and what else the request knew.")
}

/// `Consistency-Token` of a finished command.
pub(crate) fn decided() -> Header {
    header(pattern(TOKEN), "A read that is given this shows the effect.")
}
