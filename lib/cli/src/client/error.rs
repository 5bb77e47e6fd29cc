//! Errors of the HTTP client.

use thiserror::Error;

/// Reasons the response of the portal is unknown.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    #[error(
        "{url} uses https, which this client does not support; use a gateway that terminates TLS, or the \
         portal's own address, such as --url http://127.0.0.1:8080"
    )]
    Https { url: String },
    #[error("{url:?} is not a valid portal URL: {reason}; expected for example --url http://127.0.0.1:8080")]
    InvalidUrl { url: String, reason: String },
    #[error("the token contains invalid characters; pass it exactly as it was printed")]
    InvalidToken,
    #[error(
        "no success at {url} for {after}, giving up: {reason}; start a portal with `portal up`, or pass the \
         URL of a running one with --url"
    )]
    GaveUp { url: String, reason: String, after: String },
    #[error(
        "the command is accepted, but was not decided within {after}; it will be decided later: see {monitor}"
    )]
    Undecided { monitor: String, after: String },
    #[error("unexpected response from {url} ({got}); is it a portal of this version?")]
    UnexpectedResponse { url: String, got: String },
    #[error("creating the HTTP client failed: {0}")]
    Build(#[source] reqwest::Error),
}

impl ClientError {
    /// Returns whether the arguments are invalid, so that a retry cannot help.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, ClientError::Https { .. } | ClientError::InvalidUrl { .. } | ClientError::InvalidToken)
    }
}
