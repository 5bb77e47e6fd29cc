//! `/dead-letters`: commands that could not be handled, for operators.

use super::InPath;
use super::paging::{
    DEFAULT_LIMIT, invalid, limit, members, read_limit, read_name, read_one_of, read_partition, unknown,
};
use super::webhooks::to_header;
use crate::caller::Operator;
use crate::openapi::schemas::{in_path, in_query, one_of, pattern, text, uuid, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{IngressState, Ports, SharedState, StateExtractor};
use auction_app::operator::dead_letters::{DeadLetter, Filter, Page, RequeueResult, find_one, page, requeue};
use auction_app::ports::commands::command_stream::FailureReason;
use auction_app::ports::operator::dead_letters::DeadLetterQueue;
use auction_domain::Timestamp;
use auction_wire::operator_api::{
    DeadLetterDetail, DeadLetterList, DeadLetterView, FieldView, RequeuedDeadLetter,
};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const KNOWN: &str = "`partition`, `reason`, `kind`, `command`, `key`, `limit` and `cursor`";

pub(super) fn list_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_dead_letters", "/dead-letters", list::<P>)
        .summary(tag::OPERATORS, "List commands that could not be handled")
        .about("By partition, the oldest first. A page can be empty and lead on: those that are asked for are rare.")
        .by_an_operator()
        .takes(in_query("partition", whole(0, Some(99)), "Only in this partition."))
        .takes(in_query("reason", one_of(&FailureReason::ALL.map(FailureReason::name)), "Only for this reason."))
        .takes(in_query("kind", pattern("^[a-z_]+$"), "Only of this kind."))
        .takes(in_query("command", uuid(), "Only this command."))
        .takes(in_query("key", uuid(), "Only for this user or auction."))
        .takes(limit())
        .takes(in_query("cursor", pattern("^[0-9]{2}/[0-9]{1,19}-[0-9]{1,19}$"), "From `next` of the page before."))
        .answers::<DeadLetterList>(200, "One page.")
        .reads_pages()
        .problems(&[&requests::INVALID_REQUEST])
        .needs_servers()
}

pub(super) fn show_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_dead_letter", "/dead-letters/{partition}/{entry}", show::<P>)
        .summary(tag::OPERATORS, "Show all there is to know of one")
        .by_an_operator()
        .named()
        .answers::<DeadLetterDetail>(200, "With what it was made of.")
        .problems(&[&requests::UNKNOWN_DEAD_LETTER])
        .needs_servers()
}

pub(super) fn requeue_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post(
        "requeue_dead_letter",
        "/dead-letters/{partition}/{entry}/requeue",
        requeue_dead_letter::<P>,
    )
    .summary(tag::OPERATORS, "Send one again")
    .about("It counts as received now, and cannot have a second effect.")
    .by_an_operator()
    .named()
    .answers::<RequeuedDeadLetter>(200, "It is back on its stream.")
    .problems(&[&requests::UNKNOWN_DEAD_LETTER, &requests::COMMAND_DECIDED])
    .needs_servers()
}

pub(super) fn drop_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::delete("drop_dead_letter", "/dead-letters/{partition}/{entry}", delete::<P>)
        .summary(tag::OPERATORS, "Delete one for good")
        .about("The outcome of its command stays `failed`.")
        .by_an_operator()
        .named()
        .answers_with_nothing(204, "It is gone.")
        .problems(&[&requests::UNKNOWN_DEAD_LETTER])
        .needs_servers()
}

impl<P: Ports> Endpoint<SharedState<P>> {
    /// It is about one dead letter.
    fn named(self) -> Self {
        self.takes(in_path("partition", text(), "Its partition, as in its name: `07`.")).takes(in_path(
            "entry",
            text(),
            "Its entry, as in its name: `1795372100000-0`.",
        ))
    }
}

async fn list<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (mut filter, mut limit, mut behind) = (Filter::default(), DEFAULT_LIMIT, None);
    let mut asked = String::new();
    for (name, value) in members(query.as_deref()) {
        let wrong = || invalid(name, "makes no sense");
        match name {
            "partition" => filter.partition = Some(read_partition(value)?),
            "reason" => {
                filter.reason =
                    Some(read_one_of(name, value, &FailureReason::ALL.map(FailureReason::name))?.to_owned())
            }
            "kind" => filter.kind = Some(read_name(name, value)?.to_owned()),
            "command" => filter.command = Some(value.parse().map_err(|_| wrong())?),
            "key" => filter.key = Some(value.parse().map_err(|_| wrong())?),
            "limit" => limit = read_limit(value)?,
            "cursor" => {
                let name = value.replace("%2F", "/");
                behind =
                    Some(DeadLetter::place(&name).ok_or_else(|| invalid("cursor", "must be from `next`"))?);
            }
            other => return Err(unknown(other, KNOWN)),
        }
        if name != "cursor" {
            asked.push_str(&format!("{name}={value}&"));
        }
    }
    let behind = behind.unwrap_or_else(DeadLetter::before_all);
    let Page { letters, last } =
        page(&portal.desk.letters, portal.partitions, &filter, behind, limit).await?;
    let next = last.map(|last| format!("/dead-letters?{asked}cursor={last}"));
    let link = next.iter().map(|next| (header::LINK, to_header(&format!("<{next}>; rel=\"next\""))));
    let link: Vec<_> = link.collect();
    let mut response =
        Json(DeadLetterList { letters: letters.iter().map(view).collect(), next }).into_response();
    response.headers_mut().extend(link);
    Ok(response)
}

async fn find<P: Ports>(portal: &IngressState<P>, name: &(String, String)) -> Result<DeadLetter, Problem> {
    let name = format!("{}/{}", name.0, name.1);
    let found = find_one(&portal.desk.letters, portal.partitions, &name).await?;
    found.ok_or_else(|| Problem::of(&requests::UNKNOWN_DEAD_LETTER))
}

async fn show<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    InPath(name): InPath<(String, String)>,
) -> Result<Json<DeadLetterDetail>, Problem> {
    let letter = find(&portal, &name).await?;
    let fields = letter.readable().into_iter().map(|(name, value)| FieldView { name, value });
    Ok(Json(DeadLetterDetail { letter: view(&letter), fields: fields.collect() }))
}

async fn requeue_dead_letter<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    InPath(name): InPath<(String, String)>,
) -> Result<Json<RequeuedDeadLetter>, Problem> {
    let letter = find(&portal, &name).await?;
    match requeue(&portal.desk.letters, &portal.desk.failures, &letter).await? {
        RequeueResult::Done(entry) => {
            Ok(Json(RequeuedDeadLetter { stream: letter.stream, entry: entry.to_string() }))
        }
        RequeueResult::Decided(command) => {
            let detail = format!("command {command} was decided since; drop the letter");
            Err(Problem::new(&requests::COMMAND_DECIDED, detail))
        }
        RequeueResult::Gone => Err(Problem::of(&requests::UNKNOWN_DEAD_LETTER)),
    }
}

async fn delete<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    InPath(name): InPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let letter = find(&portal, &name).await?;
    let there = portal.desk.letters.drop(&letter).await?;
    if there { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::of(&requests::UNKNOWN_DEAD_LETTER)) }
}

fn view(letter: &DeadLetter) -> DeadLetterView {
    let envelope = letter.envelope();
    let of = envelope.as_ref();
    DeadLetterView {
        letter: letter.name(),
        put_away_at: Timestamp(i64::try_from(letter.id.ms).unwrap_or(i64::MAX)).into(),
        stream: letter.stream.clone(),
        entry: letter.entry.clone(),
        reason: letter.reason.clone(),
        error: letter.error.clone(),
        command: of.map(|envelope| envelope.id.0),
        kind: of.map(|envelope| envelope.kind.clone()),
        key: of.map(|envelope| envelope.key),
    }
}
