//! Submission of commands, and the responses to them: 202 with a handle, or the outcome.

use crate::caller::trace;
use crate::consistency::{CONSISTENCY_TOKEN, known, token};
use crate::idempotency_key::idempotency_key;
use crate::if_match::expected_version;
use crate::prefer::{PREFERENCE_APPLIED, Prefer};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{SharedState, wall_clock};
use auction_app::ingress::command_gateway::{
    CommandHandle, CommandRequest, CommandStatus, command_id, fingerprint,
};
use auction_app::ingress::load_shedding::Overload;
use auction_app::instrumentation;
use auction_domain::auction::AuctionCommand;
use auction_domain::{Actor, Currency, Detail};
use auction_wire::api::{CommandDone, CommandFailed, CommandPending, Money};
use auction_wire::{CommandBody, CommandId, Outcome, OutcomeDetail, OutcomeResult, Positions};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Seconds between polls of a pending command.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Seconds until the next attempt when the portal is overloaded.
const RETRY_WHEN_OVERLOADED: HeaderValue = HeaderValue::from_static("5");

/// Extractor of the parts of a request that every command needs.
pub struct CommandSubmission {
    pub portal: SharedState,
    method: Method,
    headers: HeaderMap,
}

impl FromRequestParts<SharedState> for CommandSubmission {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        portal: &SharedState,
    ) -> Result<CommandSubmission, Infallible> {
        let (method, headers) = (parts.method.clone(), parts.headers.clone());
        Ok(CommandSubmission { portal: Arc::clone(portal), method, headers })
    }
}

impl CommandSubmission {
    /// Sends a command and returns the response.
    ///
    /// `path` is the path of the request, with ids filled in. `payload` is the payload in canonical form, from
    /// which the fingerprint is derived. `command` gets the id of the command, which is also the id of the
    /// user, auction or bid that it creates. It returns the key and the body of the command.
    pub async fn submit(
        &self,
        actor: Actor,
        path: &str,
        payload: &[u8],
        command: impl FnOnce(CommandId) -> (Uuid, CommandBody),
    ) -> Result<Response, Problem> {
        self.submit_after(actor, path, payload, |_| std::future::ready(Ok(())), command).await
    }

    /// Sends a command as [`CommandSubmission::submit`], after `first` has succeeded. `first` runs only after
    /// the request has been validated and load shedding has admitted it.
    pub async fn submit_after<F: Future<Output = Result<(), Problem>>>(
        &self,
        actor: Actor,
        path: &str,
        payload: &[u8],
        first: impl FnOnce(CommandId) -> F,
        command: impl FnOnce(CommandId) -> (Uuid, CommandBody),
    ) -> Result<Response, Problem> {
        let CommandSubmission { portal, method, headers } = self;
        let caller = match actor {
            Actor::User(user) => user.to_string(),
            // All operators share one namespace of idempotency keys.
            Actor::Operator(_) => "operator".to_owned(),
            // For anonymous callers. The text is part of derived command ids and must not change.
            Actor::Portal => "nobody".to_owned(),
        };
        let idempotency_key = idempotency_key(headers, actor)?;
        let id = command_id(&caller, method.as_str(), path, idempotency_key.as_deref());
        let known = known(headers, portal.partitions)?;
        let (key, body) = command(id);
        let expect = expect(headers, &body)?;
        let ids = Ids::of_kind(body.kind(), id, key);
        let prefer = Prefer::from_headers(headers);
        let max_wait = portal.settings.max_wait;
        let request = CommandRequest {
            id,
            key,
            actor,
            expect,
            fingerprint: match expect {
                None => fingerprint(payload),
                // The same payload with another version is another request.
                Some(expect) => fingerprint(&[payload, format!("\nif-match {expect}").as_bytes()].concat()),
            },
            repeatable: idempotency_key.is_some(),
            trace: trace(headers),
            received_at: wall_clock(),
            body,
        };
        if let Some(overload) = portal.load_shedder.overload() {
            return Err(overloaded(overload));
        }
        first(id).await?;
        let (handle, status) = portal.commands.submit(request, prefer.wait(max_wait)).await?;
        let encoded = portal.commands.encode_handle(&handle);
        let mut response = match status {
            CommandStatus::Pending => accepted(encoded, &handle, ids),
            CommandStatus::Decided(outcome) => {
                with_token(known, &outcome, outcome_response(encoded, &outcome))?
            }
            CommandStatus::KeyReused => return Err(Problem::of(&requests::IDEMPOTENCY_KEY_REUSED)),
        };
        if let Some(applied) = prefer.applied(max_wait) {
            response.headers_mut().insert(PREFERENCE_APPLIED, applied);
        }
        Ok(response)
    }
}

fn overloaded(overload: Overload) -> Problem {
    instrumentation::command_shed(overload.name());
    let problem = Problem::of(&requests::OVERLOADED).with_header(header::RETRY_AFTER, RETRY_WHEN_OVERLOADED);
    match overload {
        Overload::Backlog { undecided, limit } => problem.with("undecided", undecided).with("limit", limit),
        // Memory figures are not disclosed to the public.
        Overload::Memory => problem,
    }
}

/// Returns the version that the auction must have, for a command that changes an auction.
fn expect(headers: &HeaderMap, body: &CommandBody) -> Result<Option<u64>, Problem> {
    match body {
        CommandBody::Auction(AuctionCommand::CreateAuction(_)) => Ok(None),
        CommandBody::Auction(_) => expected_version(headers),
        CommandBody::User(_) | CommandBody::Promoter(_) | CommandBody::Bar(_) => Ok(None),
    }
}

/// Ids of the objects that a command is about, for the response.
#[derive(Default)]
struct Ids {
    user: Option<Uuid>,
    auction: Option<Uuid>,
    bid: Option<Uuid>,
}

impl Ids {
    fn of_kind(kind: &str, id: CommandId, key: Uuid) -> Ids {
        match kind {
            "create_user" | "delete_user" | "change_subscriptions" => {
                Ids { user: Some(key), ..Ids::default() }
            }
            "place_bid" => Ids { auction: Some(key), bid: Some(id.0), user: None },
            "change_promoter_settings" => Ids::default(),
            _ => Ids { auction: Some(key), ..Ids::default() },
        }
    }
}

fn accepted(command: String, handle: &CommandHandle, ids: Ids) -> Response {
    let location = location(&format!("/command/{command}"));
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, RETRY_AFTER)];
    (StatusCode::ACCEPTED, headers, Json(pending(command, handle, ids))).into_response()
}

fn pending(command: String, handle: &CommandHandle, ids: Ids) -> CommandPending {
    CommandPending {
        command,
        status: "pending".to_owned(),
        received_at: handle.received_at.into(),
        user: ids.user,
        auction: ids.auction,
        bid: ids.bid,
    }
}

/// Returns the response for an outcome: 201 with the location of the created object, 200, or the problem of a
/// refusal.
fn outcome_response(command: String, outcome: &Outcome) -> Result<Response, Problem> {
    let done = match read_outcome(command, outcome)? {
        OutcomeBody::Done(done) => done,
        OutcomeBody::Failed(failed) => {
            let location = [(header::LOCATION, location(&format!("/command/{}", failed.command)))];
            return Ok((StatusCode::ACCEPTED, location, Json(failed)).into_response());
        }
    };
    let creates = matches!(outcome.kind.as_str(), "create_user" | "create_auction" | "place_bid");
    let status = if creates { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, location(&resource(outcome)))], Json(done)).into_response())
}

/// Adds the consistency token to the response for an outcome, so that later reads include its effect.
fn with_token(
    mut known: Positions,
    outcome: &Outcome,
    response: Result<Response, Problem>,
) -> Result<Response, Problem> {
    known.raise(&Positions::of(outcome.partition, outcome.position));
    match response {
        // A failed command has no effect yet: it may be requeued.
        response if matches!(outcome.result, OutcomeResult::Failed { .. }) => response,
        Err(refused) => Err(refused.with_header(CONSISTENCY_TOKEN, token(&known))),
        Ok(mut done) => {
            done.headers_mut().insert(CONSISTENCY_TOKEN, token(&known));
            Ok(done)
        }
    }
}

/// Returns the response of `GET /command/{handle}`. `known` are the positions in the tokens of the request.
pub fn status(
    command: String,
    handle: &CommandHandle,
    status: CommandStatus,
    prefer: Prefer,
    max_wait: Duration,
    known: Positions,
) -> Result<Response, Problem> {
    let is_representation = prefer.representation && matches!(status, CommandStatus::Decided(_));
    let representation = is_representation.then(|| HeaderValue::from_static("return=representation"));
    let mut response = match status {
        CommandStatus::Decided(outcome) => {
            with_token(known, &outcome, monitor_response(command, &outcome, prefer))?
        }
        CommandStatus::KeyReused => return Err(Problem::of(&requests::IDEMPOTENCY_KEY_REUSED)),
        CommandStatus::Pending => {
            let body = Json(pending(command, handle, Ids::default()));
            ([(header::RETRY_AFTER, RETRY_AFTER)], body).into_response()
        }
    };
    for applied in prefer.applied(max_wait).into_iter().chain(representation) {
        response.headers_mut().append(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

fn monitor_response(command: String, outcome: &Outcome, prefer: Prefer) -> Result<Response, Problem> {
    let done = match read_outcome(command, outcome)? {
        OutcomeBody::Done(done) => done,
        OutcomeBody::Failed(failed) => return Ok(Json(failed).into_response()),
    };
    if prefer.representation {
        return Ok(Json(done).into_response());
    }
    let location = [(header::LOCATION, location(&resource(outcome)))];
    Ok((StatusCode::SEE_OTHER, location, Json(done)).into_response())
}

/// Body of a response for an outcome that is not a refusal.
enum OutcomeBody {
    Done(Box<CommandDone>),
    /// The command was dead-lettered: it is neither pending nor done, and an operator can requeue it.
    Failed(CommandFailed),
}

fn read_outcome(command: String, outcome: &Outcome) -> Result<OutcomeBody, Problem> {
    match &outcome.result {
        OutcomeResult::Accepted { version, currency, details } => {
            Ok(OutcomeBody::Done(Box::new(done(command, outcome, *version, *currency, details))))
        }
        OutcomeResult::Refused { code, class, message, currency, details } => {
            Err(Problem::refused(code, *class, message, *currency, details))
        }
        OutcomeResult::Failed { reason, .. } => {
            let detail = "the command could not be processed and had no effect. An operator may requeue it: \
                          check the same address later";
            Ok(OutcomeBody::Failed(CommandFailed {
                command,
                status: "failed".to_owned(),
                reason: reason.clone(),
                detail: detail.to_owned(),
            }))
        }
    }
}

/// Returns the path of the resource that shows the effect of a command.
fn resource(outcome: &Outcome) -> String {
    match outcome.kind.as_str() {
        "create_user" | "delete_user" => format!("/user/{}", outcome.key),
        "change_subscriptions" => "/subscriptions".to_owned(),
        "change_promoter_settings" => "/promoter/settings".to_owned(),
        "place_bid" | "delete_bid" => format!("/auction/{}/bids", outcome.key),
        _ => format!("/auction/{}", outcome.key),
    }
}

fn done(
    command: String,
    outcome: &Outcome,
    version: u64,
    currency: Option<Currency>,
    details: &[OutcomeDetail],
) -> CommandDone {
    let detail = |name: &str| details.iter().find(|detail| detail.name == name).map(|detail| detail.value);
    let money = |name: &str| match detail(name)? {
        Detail::Amount(amount) => {
            Some(Money { amount: amount.minor_units(), currency: currency?.code().to_owned() })
        }
        _ => None,
    };
    let ids = Ids::of_kind(&outcome.kind, outcome.command, outcome.key);
    CommandDone {
        command,
        status: "done".to_owned(),
        kind: outcome.kind.clone(),
        user: ids.user,
        auction: ids.auction,
        bid: ids.bid,
        version,
        amount: money("amount"),
        rank: detail("rank").and_then(|rank| if let Detail::Count(rank) = rank { Some(rank) } else { None }),
        leads: detail("leads").map(|leads| leads == Detail::Flag(true)),
        highest: money("highest"),
    }
}

/// Returns a path as a header value. Paths of ids and base64url are always valid in a header.
pub(crate) fn location(path: &str) -> HeaderValue {
    HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"))
}
