//! The HTTP client. It repeats every request until it is answered or the retry budget is exhausted. Commands
//! have an idempotency key, so a repeated command has one effect and one outcome.

mod command;
mod error;
mod problem;
mod response;
mod retry_budget;

pub(crate) use command::{Command, new_idempotency_key};
pub(crate) use error::ClientError;
pub(crate) use problem::Problem;
pub(crate) use retry_budget::{Backoff, RetryBudget};

use crate::console::Console;
use crate::duration;
use auction_wire::api::CommandDone;
use auction_wire::view::AuctionView;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Url, redirect};
use response::{CommandReply, PortalResponse, TransientError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// Success response, or the problem returned by the portal.
pub(crate) type Reply<T> = Result<T, Box<Problem>>;

/// `Prefer` header of commands: wait up to 10 seconds for the outcome.
const WAIT: &str = "wait=10";
/// `Prefer` header of the status monitor.
const WAIT_AT_MONITOR: &str = "return=representation, wait=10";
/// Timeout of a request; longer than the portal waits for an outcome.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unknown auction is read again, because its read model may lag.
const READ_MODEL_LAG: Duration = Duration::from_secs(2);

/// Client of one portal.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    operator: bool,
    /// `Authorization` header, if a token is given.
    authorization: Option<HeaderValue>,
    retry_budget: RetryBudget,
    console: Console,
}

impl Client {
    /// Creates a client. With `operator`, all requests are sent as an operator.
    pub(crate) fn new(
        url: &str,
        operator: bool,
        token: Option<&str>,
        retry_budget: RetryBudget,
        console: Console,
    ) -> Result<Client, ClientError> {
        let base = parse_url(url)?;
        let authorization = token.map(parse_token).transpose()?;
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("auction-cli/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            builder = builder.no_proxy(); // a proxy would resolve a loopback address to itself
        }
        let http = builder.build().map_err(ClientError::Build)?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Client { http, base, operator, authorization, retry_budget, console })
    }

    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.operator
    }

    pub(crate) fn retry_budget(&self) -> &RetryBudget {
        &self.retry_budget
    }

    /// Returns the error for a response that is not one of a portal.
    pub(crate) fn unexpected_response(&self, got: impl Into<String>) -> ClientError {
        ClientError::UnexpectedResponse { url: self.base.clone(), got: got.into() }
    }

    /// Returns the error for an exhausted retry budget.
    pub(crate) fn gave_up(&self, reason: &str) -> ClientError {
        let after = duration::show(self.retry_budget.idle_timeout());
        ClientError::GaveUp { url: self.base.clone(), reason: reason.to_owned(), after }
    }

    /// Sends a command and waits for its outcome.
    pub(crate) async fn command(&self, command: &Command) -> Result<Reply<CommandDone>, ClientError> {
        let mut backoff = Backoff::default();
        loop {
            let answer = self.exchange(|| self.command_request(command)).await?;
            let reply = match answer.read_outcome().map_err(|got| self.unexpected_response(got))? {
                CommandReply::Decided(reply) => Some(reply),
                CommandReply::Pending(handle) => {
                    self.wait_for_outcome(&handle, answer.retry_after(), command.user()).await?
                }
            };
            if let Some(reply) = reply {
                self.retry_budget.on_progress();
                return Ok(reply);
            }
            // The handle is unknown: send the command again with the same key.
            self.pause(backoff.next_delay(None), "the portal no longer knows the command handle").await?;
        }
    }

    /// Polls the status monitor until the command is decided. Returns `None` if the handle is unknown.
    async fn wait_for_outcome(
        &self,
        handle: &str,
        first_delay: Duration,
        user: Option<Uuid>,
    ) -> Result<Option<Reply<CommandDone>>, ClientError> {
        let path = format!("/command/{handle}");
        let mut delay = first_delay;
        loop {
            if self.retry_budget.is_exhausted() {
                return Err(ClientError::Undecided {
                    monitor: format!("{}{path}", self.base),
                    after: duration::show(self.retry_budget.idle_timeout()),
                });
            }
            sleep(delay.min(self.retry_budget.left())).await;
            let answer = self
                .exchange(|| self.request(Method::GET, &path, user).header("Prefer", WAIT_AT_MONITOR))
                .await?;
            match answer.read_outcome().map_err(|got| self.unexpected_response(got))? {
                CommandReply::Pending(_) => delay = answer.retry_after(),
                CommandReply::Decided(Err(problem)) if problem.code == "unknown_command" => return Ok(None),
                CommandReply::Decided(reply) => return Ok(Some(reply)),
            }
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        user: Option<Uuid>,
    ) -> Result<Reply<T>, ClientError> {
        let answer = self.exchange(|| self.request(Method::GET, path, user)).await?;
        answer.read().map_err(|got| self.unexpected_response(got))
    }

    /// Sends an idempotent `PUT` that is not a command.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        user: Uuid,
        body: &impl Serialize,
    ) -> Result<Reply<T>, ClientError> {
        let answer = self.exchange(|| self.request(Method::PUT, path, Some(user)).json(body)).await?;
        answer.read().map_err(|got| self.unexpected_response(got))
    }

    /// Reads an auction. An unknown one is read again for [`READ_MODEL_LAG`], because its read model may lag
    /// behind the command that created it.
    pub(crate) async fn auction(&self, auction: Uuid) -> Result<Reply<AuctionView>, ClientError> {
        let path = format!("/auction/{auction}");
        let started = tokio::time::Instant::now();
        let mut backoff = Backoff::default();
        loop {
            match self.get(&path, None).await? {
                Err(problem) if problem.status == 404 && started.elapsed() < READ_MODEL_LAG => {
                    sleep(backoff.next_delay(None)).await;
                }
                reply => return Ok(reply),
            }
        }
    }

    fn request(&self, method: Method, path: &str, user: Option<Uuid>) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if self.operator {
            request = request.header("X-User-Role", "operator");
        }
        match user {
            Some(user) => request.header("X-User-Id", user.to_string()),
            None => request,
        }
    }

    fn command_request(&self, command: &Command) -> RequestBuilder {
        let mut request = self
            .request(command.method().clone(), command.path(), command.user())
            .header("Idempotency-Key", command.key())
            .header("Prefer", WAIT);
        if let Some(version) = command.if_match() {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        match command.body() {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_owned()),
            None => request,
        }
    }

    /// Repeats a request until it gets a response that is not transient.
    async fn exchange(&self, request: impl Fn() -> RequestBuilder) -> Result<PortalResponse, ClientError> {
        let mut backoff = Backoff::default();
        loop {
            match response::attempt(request()).await {
                Ok(answer) => {
                    if self.retry_budget.on_response() {
                        self.console.eprint(&format!("{} is available again", self.base));
                    }
                    return Ok(answer);
                }
                Err(TransientError { reason, retry_after }) => {
                    self.pause(backoff.next_delay(retry_after), &reason).await?;
                }
            }
        }
    }

    /// Waits before the next attempt. Fails if the retry budget is exhausted.
    async fn pause(&self, delay: Duration, reason: &str) -> Result<(), ClientError> {
        if self.retry_budget.is_exhausted() {
            return Err(self.gave_up(reason));
        }
        let delay = delay.min(self.retry_budget.left());
        if self.retry_budget.report_outage(delay) {
            let limit = duration::show(self.retry_budget.idle_timeout());
            self.console
                .eprint(&format!("{} is unavailable: {reason}; retrying for up to {limit}", self.base));
        }
        sleep(delay).await;
        Ok(())
    }
}

fn parse_url(text: &str) -> Result<Url, ClientError> {
    let invalid = |reason: String| ClientError::InvalidUrl { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    match url.scheme() {
        "http" if url.query().is_some() || url.fragment().is_some() => {
            Err(invalid("it has a query or a fragment".to_owned()))
        }
        "http" => Ok(url),
        "https" => Err(ClientError::Https { url: text.to_owned() }),
        scheme => Err(invalid(format!("the protocol {scheme} is not supported"))),
    }
}

fn parse_token(token: &str) -> Result<HeaderValue, ClientError> {
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut bearer = bearer.map_err(|_| ClientError::InvalidToken)?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
