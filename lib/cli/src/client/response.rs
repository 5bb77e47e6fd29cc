//! What one HTTP exchange came to.

use super::{Problem, Reply};
use auction_wire::api::{CommandDone, CommandPending};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::Duration;

/// An answer of the portal, read to its end.
pub(super) struct PortalResponse {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// No answer, or one that says "later".
pub(super) struct TransientError {
    pub(super) why: String,
    pub(super) retry_after: Option<Duration>,
}

/// What an answer says about a command.
pub(super) enum CommandReply {
    /// It is decided.
    Decided(Reply<CommandDone>),
    /// It is not; this is the handle to ask with.
    Pending(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Done(Box<CommandDone>),
    Pending(Box<CommandPending>),
}

/// Sends a request once.
pub(super) async fn attempt(request: RequestBuilder) -> Result<PortalResponse, TransientError> {
    let response = request.send().await.map_err(lost)?;
    let (status, retry_after) = (response.status(), retry_after(&response));
    let body = response.bytes().await.map_err(lost)?.to_vec();
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || later.contains(&status) {
        let said = serde_json::from_slice::<Problem>(&body).map(|problem| format!(", {problem}"));
        return Err(TransientError { why: format!("{status}{}", said.unwrap_or_default()), retry_after });
    }
    Ok(PortalResponse { status, retry_after, body })
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get("Retry-After")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost cause says what happened ("Connection refused"); the outer ones repeat the address.
fn lost(error: reqwest::Error) -> TransientError {
    let time_out = error.is_timeout();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let why = if time_out { "no answer in time".to_owned() } else { cause.to_string() };
    TransientError { why, retry_after: None }
}

impl PortalResponse {
    /// When to ask again: what the portal says, within reason.
    pub(super) fn retry_after(&self) -> Duration {
        let asked = self.retry_after.unwrap_or(Duration::from_millis(500));
        asked.clamp(Duration::from_millis(20), Duration::from_secs(30))
    }

    /// What is read, or why not; `Err` names an answer that makes no sense.
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

    /// What it says about a command.
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
