//! Why the portal's decision could not be learnt.

use thiserror::Error;

/// Why there is no yes or no from the portal.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// Encrypted transport.
    #[error(
        "{url} is encrypted, and this build speaks plain http only; put a gateway in front that ends TLS, \
         or name the portal's own address, such as --url http://127.0.0.1:8080"
    )]
    Https { url: String },
    /// Not an address.
    #[error("{url:?} is no address of a portal: {why}; write it like --url http://127.0.0.1:8080")]
    BadUrl { url: String, why: String },
    /// Not a token.
    #[error("the token has characters that no token has; take it as it was printed")]
    BadToken,
    /// No answer in time.
    #[error(
        "gave up on {url} after {after} without success: {why}; is the portal running there? \
         `portal up` starts one, --url names another"
    )]
    GaveUp { url: String, why: String, after: String },
    /// Accepted, and no outcome in time.
    #[error(
        "the command is accepted, but was not decided within {after}; it is not lost: ask {monitor} later"
    )]
    Undecided { monitor: String, after: String },
    /// Not what a portal says.
    #[error("{url} answered what this client does not understand ({got}); is it a portal of this version?")]
    Misunderstood { url: String, got: String },
    /// The client itself does not work.
    #[error("the HTTP client cannot be set up: {0}")]
    Build(#[source] reqwest::Error),
}

impl ClientError {
    /// Whether the caller wrote something that can never work.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, ClientError::Https { .. } | ClientError::BadUrl { .. } | ClientError::BadToken)
    }
}
