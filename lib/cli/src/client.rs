//! The HTTP client: every request is repeated until it is answered or patience runs out. Commands bear an
//! idempotency key, so a repeated one has one effect and one answer.

mod command;
mod error;
mod problem;
mod response;
mod retry_budget;

pub(crate) use command::{Command, fresh_key};
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

/// The portal's yes with its content, or its no with its reasons.
pub(crate) type Reply<T> = Result<T, Box<Problem>>;

/// How long the portal may hold an answer back in order to give the outcome itself.
const WAIT: &str = "wait=10";
const WAIT_AT_MONITOR: &str = "return=representation, wait=10";
/// After this a held connection is given up; longer than the portal may hold it.
const TIME_OUT: Duration = Duration::from_secs(30);
const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);
/// How long the read models may lag before an unknown auction is taken for one.
const READ_MODEL_LAG: Duration = Duration::from_secs(2);

/// Speaks to one portal.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    operator: bool,
    /// `Authorization`, if there is a token.
    authorization: Option<HeaderValue>,
    patience: RetryBudget,
    screen: Console,
}

impl Client {
    /// For the portal at that URL; as an operator, or as whoever each request says.
    pub(crate) fn new(
        url: &str,
        operator: bool,
        token: Option<&str>,
        patience: RetryBudget,
        screen: Console,
    ) -> Result<Client, ClientError> {
        let base = read_url(url)?;
        let authorization = token.map(read_token).transpose()?;
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIME_OUT)
            .timeout(TIME_OUT)
            .user_agent(concat!("auction-cli/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            builder = builder.no_proxy(); // a proxy would look for the portal on its own machine
        }
        let http = builder.build().map_err(ClientError::Build)?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Client { http, base, operator, authorization, patience, screen })
    }

    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.operator
    }

    pub(crate) fn patience(&self) -> &RetryBudget {
        &self.patience
    }

    /// The error for an answer that makes no sense.
    pub(crate) fn misunderstood(&self, got: impl Into<String>) -> ClientError {
        ClientError::Misunderstood { url: self.base.clone(), got: got.into() }
    }

    /// The error for going on in vain.
    pub(crate) fn gave_up(&self, why: &str) -> ClientError {
        let after = duration::show(self.patience.give_up_after());
        ClientError::GaveUp { url: self.base.clone(), why: why.to_owned(), after }
    }

    /// Sends a command and stays with it until it is decided.
    pub(crate) async fn command(&self, command: &Command) -> Result<Reply<CommandDone>, ClientError> {
        let mut backoff = Backoff::default();
        loop {
            let answer = self.exchange(|| self.command_request(command)).await?;
            let reply = match answer.read_outcome().map_err(|got| self.misunderstood(got))? {
                CommandReply::Decided(reply) => Some(reply),
                CommandReply::Pending(handle) => {
                    self.follow(&handle, answer.retry_after(), command.user()).await?
                }
            };
            if let Some(reply) = reply {
                self.patience.progress();
                return Ok(reply);
            }
            // The handle is not known any more: ask with the same key again.
            self.pause(backoff.next_delay(None), "the portal does not know its own handle any more").await?;
        }
    }

    /// Asks the status monitor until the command is decided; `None` if the handle is unknown there.
    async fn follow(
        &self,
        handle: &str,
        first_delay: Duration,
        user: Option<Uuid>,
    ) -> Result<Option<Reply<CommandDone>>, ClientError> {
        let path = format!("/command/{handle}");
        let mut delay = first_delay;
        loop {
            if self.patience.is_exhausted() {
                return Err(ClientError::Undecided {
                    monitor: format!("{}{path}", self.base),
                    after: duration::show(self.patience.give_up_after()),
                });
            }
            sleep(delay.min(self.patience.left())).await;
            let answer = self
                .exchange(|| self.request(Method::GET, &path, user).header("Prefer", WAIT_AT_MONITOR))
                .await?;
            match answer.read_outcome().map_err(|got| self.misunderstood(got))? {
                CommandReply::Pending(_) => delay = answer.retry_after(),
                CommandReply::Decided(Err(problem)) if problem.code == "unknown_command" => return Ok(None),
                CommandReply::Decided(reply) => return Ok(Some(reply)),
            }
        }
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        user: Option<Uuid>,
    ) -> Result<Reply<T>, ClientError> {
        let answer = self.exchange(|| self.request(Method::GET, path, user)).await?;
        answer.read().map_err(|got| self.misunderstood(got))
    }

    /// Sets something that is no command: asked once more, it is the same.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        user: Uuid,
        body: &impl Serialize,
    ) -> Result<Reply<T>, ClientError> {
        let answer = self.exchange(|| self.request(Method::PUT, path, Some(user)).json(body)).await?;
        answer.read().map_err(|got| self.misunderstood(got))
    }

    /// Reads an auction; one that the portal does not know is asked for again for a moment, because read
    /// models come a little after the command that created it.
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
        if let Some(version) = command.expects() {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        match command.body() {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_owned()),
            None => request,
        }
    }

    /// Sends a request until it is answered, whatever the answer.
    async fn exchange(&self, request: impl Fn() -> RequestBuilder) -> Result<PortalResponse, ClientError> {
        let mut backoff = Backoff::default();
        loop {
            match response::attempt(request()).await {
                Ok(answer) => {
                    if self.patience.answered() {
                        self.screen.eprint(&format!("{} answers again", self.base));
                    }
                    return Ok(answer);
                }
                Err(TransientError { why, retry_after }) => {
                    self.pause(backoff.next_delay(retry_after), &why).await?;
                }
            }
        }
    }

    /// Waits before the next attempt, unless patience has run out.
    async fn pause(&self, delay: Duration, why: &str) -> Result<(), ClientError> {
        if self.patience.is_exhausted() {
            return Err(self.gave_up(why));
        }
        let delay = delay.min(self.patience.left());
        if self.patience.first_of_an_outage(delay) {
            let limit = duration::show(self.patience.give_up_after());
            self.screen
                .eprint(&format!("no success at {}: {why}; trying again for up to {limit}", self.base));
        }
        sleep(delay).await;
        Ok(())
    }
}

fn read_url(text: &str) -> Result<Url, ClientError> {
    let bad = |why: String| ClientError::BadUrl { url: text.to_owned(), why };
    let url = Url::parse(text).map_err(|error| bad(error.to_string()))?;
    match url.scheme() {
        "http" if url.query().is_some() || url.fragment().is_some() => {
            Err(bad("it has a query or a fragment".to_owned()))
        }
        "http" => Ok(url),
        "https" => Err(ClientError::Https { url: text.to_owned() }),
        scheme => Err(bad(format!("{scheme} is not a protocol that is spoken here"))),
    }
}

fn read_token(token: &str) -> Result<HeaderValue, ClientError> {
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut bearer = bearer.map_err(|_| ClientError::BadToken)?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
