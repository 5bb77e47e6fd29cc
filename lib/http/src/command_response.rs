//! Answers to commands: 202 and a handle, or the outcome.

use crate::caller::trace;
use crate::consistency::{CONSISTENCY_TOKEN, known, token};
use crate::idempotency_key::idempotency_key;
use crate::if_match::expected_version;
use crate::prefer::{PREFERENCE_APPLIED, Prefer};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{IngressState, Ports, wall_clock};
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
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use uuid::Uuid;

/// Clients that ask again are asked to leave so many seconds between.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Where there is too much to do already, the more.
const RETRY_WHEN_OVERLOADED: HeaderValue = HeaderValue::from_static("5");

/// What an endpoint knows of its command.
pub struct CommandSubmission<'a> {
    /// Who asks.
    pub actor: Actor,
    /// The method of the request.
    pub method: &'static str,
    /// Its concrete path.
    pub path: &'a str,
    /// Its payload in canonical form.
    pub payload: &'a [u8],
}

/// Sends a command and answers. `command` gets the command's id, which is also that of what it creates,
/// and says for which user or auction it is, and what is asked.
pub async fn submit<P: Ports>(
    portal: &IngressState<P>,
    headers: &HeaderMap,
    asking: CommandSubmission<'_>,
    command: impl FnOnce(CommandId) -> (Uuid, CommandBody),
) -> Result<Response, Problem> {
    submit_after(portal, headers, asking, |_| std::future::ready(Ok(())), command).await
}

/// The same, after something that has to be done first, when nothing else is in the way.
pub async fn submit_after<P: Ports, F: Future<Output = Result<(), Problem>>>(
    portal: &IngressState<P>,
    headers: &HeaderMap,
    asking: CommandSubmission<'_>,
    first: impl FnOnce(CommandId) -> F,
    command: impl FnOnce(CommandId) -> (Uuid, CommandBody),
) -> Result<Response, Problem> {
    let caller = match asking.actor {
        Actor::User(user) => user.to_string(),
        // The house is one caller, whoever of it calls.
        Actor::Operator => "operator".to_owned(),
        Actor::Portal => "nobody".to_owned(),
    };
    let idempotency_key = idempotency_key(headers, asking.actor)?;
    let id = command_id(&caller, asking.method, asking.path, idempotency_key.as_deref());
    let known = known(headers, portal.partitions)?;
    let (key, body) = command(id);
    let expect = expect(headers, &body)?;
    let ids = Ids::of(&body, id, key);
    let prefer = Prefer::from_headers(headers);
    let longest = portal.settings.longest_wait;
    let request = CommandRequest {
        id,
        key,
        actor: asking.actor,
        expect,
        fingerprint: match expect {
            None => fingerprint(asking.payload),
            // With another version it is another request.
            Some(expect) => {
                fingerprint(&[asking.payload, format!("\nif-match {expect}").as_bytes()].concat())
            }
        },
        repeatable: idempotency_key.is_some(),
        trace: trace(headers),
        received_at: wall_clock(),
        body,
    };
    if let Some(overload) = portal.shedding.overload() {
        return Err(overloaded(overload));
    }
    first(id).await?;
    let (handle, status) = portal.accept.submit(request, prefer.wait(longest)).await?;
    let sealed = portal.accept.seal(&handle);
    let mut response = match status {
        CommandStatus::Pending => accepted(sealed, &handle, ids),
        CommandStatus::Decided(outcome) => as_of(known, &outcome, outcome_response(sealed, &outcome))?,
        CommandStatus::KeyReused => return Err(Problem::of(&requests::IDEMPOTENCY_KEY_REUSED)),
    };
    if let Some(applied) = prefer.applied(longest) {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

fn overloaded(overload: Overload) -> Problem {
    instrumentation::command_shed(overload.name());
    let problem = Problem::of(&requests::OVERLOADED).with_header(header::RETRY_AFTER, RETRY_WHEN_OVERLOADED);
    match overload {
        Overload::Backlog { undecided, at_most } => {
            problem.with("undecided", undecided).with("at_most", at_most)
        }
        // How much memory there is, is no business of the public.
        Overload::Memory => problem,
    }
}

/// The version that the sender insists on, for a command that changes an auction.
fn expect(headers: &HeaderMap, body: &CommandBody) -> Result<Option<u64>, Problem> {
    match body {
        CommandBody::Auction(AuctionCommand::CreateAuction(_)) => Ok(None),
        CommandBody::Auction(_) => expected_version(headers),
        CommandBody::User(_) | CommandBody::Promoter(_) => Ok(None),
    }
}

/// What a command is about, as clients see it.
#[derive(Default)]
struct Ids {
    user: Option<Uuid>,
    auction: Option<Uuid>,
    bid: Option<Uuid>,
}

impl Ids {
    fn of(body: &CommandBody, id: CommandId, key: Uuid) -> Ids {
        Ids::of_kind(body.kind(), id, key)
    }

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

/// The outcome itself: 201 with where the new thing is, 200, or the refusal.
fn outcome_response(command: String, outcome: &Outcome) -> Result<Response, Problem> {
    let done = match answer(command, outcome)? {
        CommandResponse::Done(done) => done,
        CommandResponse::Failed(failed) => {
            let location = [(header::LOCATION, location(&format!("/command/{}", failed.command)))];
            return Ok((StatusCode::ACCEPTED, location, Json(failed)).into_response());
        }
    };
    let creates = matches!(outcome.kind.as_str(), "create_user" | "create_auction" | "place_bid");
    let status = if creates { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, location(&resource(outcome)))], Json(done)).into_response())
}

/// Whatever a decision was, its effect is seen by whoever reads what is as far as that.
fn as_of(
    mut known: Positions,
    outcome: &Outcome,
    answer: Result<Response, Problem>,
) -> Result<Response, Problem> {
    known.raise(&Positions::of(outcome.partition, outcome.position));
    match answer {
        // It may be sent again, and is not finished.
        answer if matches!(outcome.result, OutcomeResult::Failed { .. }) => answer,
        Err(refused) => Err(refused.with_header(CONSISTENCY_TOKEN, token(&known))),
        Ok(mut done) => {
            done.headers_mut().insert(CONSISTENCY_TOKEN, token(&known));
            Ok(done)
        }
    }
}

/// What the status monitor says to somebody who knows that much already.
pub fn status(
    command: String,
    handle: &CommandHandle,
    status: CommandStatus,
    prefer: Prefer,
    longest: Duration,
    known: Positions,
) -> Result<Response, Problem> {
    let represents = prefer.representation && matches!(status, CommandStatus::Decided(_));
    let represents = represents.then(|| HeaderValue::from_static("return=representation"));
    let mut response = match status {
        CommandStatus::Decided(outcome) => as_of(known, &outcome, show_outcome(command, &outcome, prefer))?,
        CommandStatus::KeyReused => return Err(Problem::of(&requests::IDEMPOTENCY_KEY_REUSED)),
        CommandStatus::Pending => {
            let body = Json(pending(command, handle, Ids::default()));
            ([(header::RETRY_AFTER, RETRY_AFTER)], body).into_response()
        }
    };
    for applied in prefer.applied(longest).into_iter().chain(represents) {
        response.headers_mut().append(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

fn show_outcome(command: String, outcome: &Outcome, prefer: Prefer) -> Result<Response, Problem> {
    let done = match answer(command, outcome)? {
        CommandResponse::Done(done) => done,
        CommandResponse::Failed(failed) => return Ok(Json(failed).into_response()),
    };
    if prefer.representation {
        return Ok(Json(done).into_response());
    }
    let location = [(header::LOCATION, location(&resource(outcome)))];
    Ok((StatusCode::SEE_OTHER, location, Json(done)).into_response())
}

/// An outcome that is not a refusal.
enum CommandResponse {
    Done(Box<CommandDone>),
    /// It could not be handled: neither pending nor done, until an operator sends it again.
    Failed(CommandFailed),
}

fn answer(command: String, outcome: &Outcome) -> Result<CommandResponse, Problem> {
    match &outcome.result {
        OutcomeResult::Accepted { version, currency, facts } => {
            Ok(CommandResponse::Done(Box::new(done(command, outcome, *version, *currency, facts))))
        }
        OutcomeResult::Refused { code, class, detail, currency, facts } => {
            Err(Problem::refused(code, *class, detail, *currency, facts))
        }
        OutcomeResult::Failed { reason, .. } => {
            let detail = "the command could not be handled and was put away; it had no effect. The house may \
                          send it again: ask later at the same address";
            Ok(CommandResponse::Failed(CommandFailed {
                command,
                status: "failed".to_owned(),
                reason: reason.clone(),
                detail: detail.to_owned(),
            }))
        }
    }
}

/// Where the effect of a command is to be seen.
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
    facts: &[OutcomeDetail],
) -> CommandDone {
    let fact = |name: &str| facts.iter().find(|fact| fact.name == name);
    let ids = Ids::of_kind(&outcome.kind, outcome.command, outcome.key);
    CommandDone {
        command,
        status: "done".to_owned(),
        kind: outcome.kind.clone(),
        user: ids.user,
        auction: ids.auction,
        bid: ids.bid,
        version,
        amount: fact("amount").and_then(|fact| money(fact, currency)),
        rank: fact("rank").and_then(count),
        leads: fact("leads").and_then(flag),
        highest: fact("highest").and_then(|fact| money(fact, currency)),
    }
}

fn money(fact: &OutcomeDetail, currency: Option<Currency>) -> Option<Money> {
    match fact.value {
        Detail::Amount(amount) => {
            Some(Money { amount: amount.minor_units(), currency: currency?.code().to_owned() })
        }
        _ => None,
    }
}

fn count(fact: &OutcomeDetail) -> Option<u64> {
    match fact.value {
        Detail::Count(count) => Some(count),
        _ => None,
    }
}

fn flag(fact: &OutcomeDetail) -> Option<bool> {
    match fact.value {
        Detail::Flag(flag) => Some(flag),
        _ => None,
    }
}

/// Paths of ids and base64url are always valid in a header.
fn location(path: &str) -> HeaderValue {
    HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"))
}
