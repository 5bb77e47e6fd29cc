//! Responses of the portal.

use super::{Problem, Reply};
use auction_wire::api::{CommandDone, CommandPending};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::Duration;

/// Response of the portal with its complete body.
pub(super) struct PortalResponse {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// Failed request that can be repeated: no response, or a status such as 503.
pub(super) struct TransientError {
    pub(super) reason: String,
    pub(super) retry_after: Option<Duration>,
}

/// Status of a command in a response.
pub(super) enum CommandReply {
    Decided(Reply<CommandDone>),
    /// The command is not decided yet; its handle.
    Pending(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Done(Box<CommandDone>),
    Pending(Box<CommandPending>),
}

/// Sends a request once. Statuses that allow a retry are errors.
pub(super) async fn attempt(request: RequestBuilder) -> Result<PortalResponse, TransientError> {
    let response = request.send().await.map_err(connection_error)?;
    let (status, retry_after) = (response.status(), retry_after(&response));
    let body = response.bytes().await.map_err(connection_error)?.to_vec();
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || later.contains(&status) {
        let detail = serde_json::from_slice::<Problem>(&body).map(|problem| format!(", {problem}"));
        return Err(TransientError {
            reason: format!("{status}{}", detail.unwrap_or_default()),
            retry_after,
        });
    }
    Ok(PortalResponse { status, retry_after, body })
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get("Retry-After")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Uses the innermost cause ("Connection refused"): the outer ones only repeat the address.
fn connection_error(error: reqwest::Error) -> TransientError {
    let timed_out = error.is_timeout();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let reason = if timed_out { "request timed out".to_owned() } else { cause.to_string() };
    TransientError { reason, retry_after: None }
}

impl PortalResponse {
    /// Returns the delay before the next poll: that of `Retry-After` within limits.
    pub(super) fn retry_after(&self) -> Duration {
        let requested = self.retry_after.unwrap_or(Duration::from_millis(500));
        requested.clamp(Duration::from_millis(20), Duration::from_secs(30))
    }

    /// Returns the body or the problem. `Err` describes a response that is neither.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Reply<T>, String> {
        if self.status.is_client_error() {
            return self.problem().map(Err);
        }
        match serde_json::from_slice(&self.body) {
            Ok(value) if self.status.is_success() => Ok(Ok(value)),
            Ok(_) => Err(self.status.to_string()),
            Err(error) => Err(format!("{}, {error}", self.status)),
        }
    }

    /// Returns the status of the command. `Err` describes a response that is not one to a command.
    pub(super) fn read_outcome(&self) -> Result<CommandReply, String> {
        Ok(match self.read()? {
            Ok(Body::Pending(pending)) if pending.status == "pending" => {
                CommandReply::Pending(pending.command)
            }
            Ok(Body::Done(done)) if done.status == "done" => CommandReply::Decided(Ok(*done)),
            Ok(_) => return Err(format!("{}, neither pending nor done", self.status)),
            Err(problem) => CommandReply::Decided(Err(problem)),
        })
    }

    fn problem(&self) -> Result<Box<Problem>, String> {
        let problem: Result<Problem, _> = serde_json::from_slice(&self.body);
        let mut problem = problem.map_err(|_| format!("{}, without a reason", self.status))?;
        problem.status = self.status.as_u16();
        Ok(Box::new(problem))
    }
}
