//! `/dead-letters`: commands that could not be processed, and what operators do about them.

use super::InPath;
use super::paging::{
    DEFAULT_LIMIT, invalid, next_link, parameters, read_limit, read_name, read_one_of, read_partition,
    read_uuid, unknown,
};
use crate::openapi::schemas::{in_path, in_query, one_of, pattern, text, uuid, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{IngressState, SharedState};
use auction_app::operator::dead_letters::{Filter, Page, RequeueResult, find_one, page, requeue};
use auction_app::ports::commands::command_stream::FailureReason;
use auction_app::ports::operator::dead_letters::DeadLetter;
use auction_domain::Timestamp;
use auction_wire::operator_api::{
    DeadLetterDetail, DeadLetterList, DeadLetterView, FieldView, RequeuedDeadLetter,
};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

const PARAMETERS: &str = "`partition`, `reason`, `kind`, `command`, `key`, `limit` and `cursor`";

pub(super) fn list_endpoint() -> Endpoint {
    Endpoint::get("list_dead_letters", "/dead-letters", list)
        .summary(tag::OPERATORS, "List dead letters")
        .description(
            "Commands that could not be processed, by partition, oldest first. With a filter, a page can \
             contain no dead letters and still have a `next`: follow it.",
        )
        .parameter(in_query("partition", whole(0, Some(99)), "Include only this partition."))
        .parameter(in_query(
            "reason",
            one_of(&FailureReason::ALL.map(FailureReason::name)),
            "Include only this reason.",
        ))
        .parameter(in_query("kind", pattern("^[a-z_]+$"), "Include only this kind of command."))
        .parameter(in_query("command", uuid(), "Include only this command (id)."))
        .parameter(in_query("key", uuid(), "Include only commands for this user or auction (id)."))
        .parameter(in_query(
            "cursor",
            pattern("^[0-9]{2}/[0-9]{1,19}-[0-9]{1,19}$"),
            "Cursor from `next` of the previous page.",
        ))
        .response::<DeadLetterList>(200, "Page of dead letters.")
        .paginated()
}

pub(super) fn show_endpoint() -> Endpoint {
    Endpoint::get("show_dead_letter", "/dead-letters/{partition}/{entry}", show)
        .summary(tag::OPERATORS, "Show a dead letter")
        .dead_letter_path()
        .response::<DeadLetterDetail>(200, "The dead letter with all fields of its stream entry.")
        .problems(&[&requests::UNKNOWN_DEAD_LETTER])
}

pub(super) fn requeue_endpoint() -> Endpoint {
    Endpoint::post("requeue_dead_letter", "/dead-letters/{partition}/{entry}/requeue", requeue_dead_letter)
        .summary(tag::OPERATORS, "Requeue a dead letter")
        .description(
            "Adds the command to its stream again, with the present time as its time of receipt. The command \
         cannot take effect twice.",
        )
        .dead_letter_path()
        .response::<RequeuedDeadLetter>(200, "The command is on its stream again.")
        .problems(&[&requests::UNKNOWN_DEAD_LETTER, &requests::COMMAND_ALREADY_DECIDED])
}

pub(super) fn delete_endpoint() -> Endpoint {
    Endpoint::delete("delete_dead_letter", "/dead-letters/{partition}/{entry}", delete)
        .summary(tag::OPERATORS, "Delete a dead letter")
        .description("Permanent. The outcome of the command stays `failed`.")
        .dead_letter_path()
        .empty_response(204, "The dead letter is deleted.")
        .problems(&[&requests::UNKNOWN_DEAD_LETTER])
}

impl Endpoint {
    /// The path names a dead letter.
    fn dead_letter_path(self) -> Self {
        self.parameter(in_path(
            "partition",
            text(),
            "First part of the name of the dead letter: the partition, such as `07`.",
        ))
        .parameter(in_path(
            "entry",
            text(),
            "Second part of the name of the dead letter: the entry, such as `1795372100000-0`.",
        ))
    }
}

async fn list(State(portal): State<SharedState>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let (mut filter, mut limit, mut after) = (Filter::default(), DEFAULT_LIMIT, None);
    let mut filters = String::new();
    for (name, value) in parameters(query.as_deref()) {
        match name {
            "partition" => filter.partition = Some(read_partition(value)?),
            "reason" => {
                filter.reason =
                    Some(read_one_of(name, value, &FailureReason::ALL.map(FailureReason::name))?.to_owned())
            }
            "kind" => filter.kind = Some(read_name(name, value)?.to_owned()),
            "command" => filter.command = Some(read_uuid(name, value)?),
            "key" => filter.key = Some(read_uuid(name, value)?),
            "limit" => limit = read_limit(value)?,
            "cursor" => {
                let name = value.replace("%2F", "/");
                let invalid_cursor = || invalid("cursor", "must be the cursor from `next`");
                after = Some(DeadLetter::parse_name(&name).ok_or_else(invalid_cursor)?);
            }
            other => return Err(unknown(other, PARAMETERS)),
        }
        if name != "cursor" {
            filters.push_str(&format!("{name}={value}&"));
        }
    }
    let after = after.unwrap_or_else(DeadLetter::before_all);
    let Page { dead_letters, last } =
        page(&*portal.dead_letters, portal.partitions, &filter, after, limit).await?;
    let next = last.map(|last| format!("/dead-letters?{filters}cursor={last}"));
    let link = next_link(next.as_deref());
    let list = DeadLetterList { dead_letters: dead_letters.iter().map(view).collect(), next };
    Ok((link, Json(list)).into_response())
}

async fn find(portal: &IngressState, name: &(String, String)) -> Result<DeadLetter, Problem> {
    let name = format!("{}/{}", name.0, name.1);
    let found = find_one(&*portal.dead_letters, portal.partitions, &name).await?;
    found.ok_or_else(|| Problem::of(&requests::UNKNOWN_DEAD_LETTER))
}

async fn show(
    State(portal): State<SharedState>,
    InPath(name): InPath<(String, String)>,
) -> Result<Json<DeadLetterDetail>, Problem> {
    let dead_letter = find(&portal, &name).await?;
    let fields = dead_letter.readable().into_iter().map(|(name, value)| FieldView { name, value });
    Ok(Json(DeadLetterDetail { dead_letter: view(&dead_letter), fields: fields.collect() }))
}

async fn requeue_dead_letter(
    State(portal): State<SharedState>,
    InPath(name): InPath<(String, String)>,
) -> Result<Json<RequeuedDeadLetter>, Problem> {
    let dead_letter = find(&portal, &name).await?;
    match requeue(&*portal.dead_letters, &*portal.failed_outcomes, &dead_letter).await? {
        RequeueResult::Done(entry) => {
            Ok(Json(RequeuedDeadLetter { stream: dead_letter.stream, entry: entry.to_string() }))
        }
        RequeueResult::Decided(command) => {
            let detail =
                format!("command {command} has been decided in the meantime; delete the dead letter");
            Err(Problem::new(&requests::COMMAND_ALREADY_DECIDED, detail))
        }
        RequeueResult::Gone => Err(Problem::of(&requests::UNKNOWN_DEAD_LETTER)),
    }
}

async fn delete(
    State(portal): State<SharedState>,
    InPath(name): InPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let dead_letter = find(&portal, &name).await?;
    let existed = portal.dead_letters.delete(&dead_letter).await?;
    if existed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::of(&requests::UNKNOWN_DEAD_LETTER)) }
}

fn view(dead_letter: &DeadLetter) -> DeadLetterView {
    let envelope = dead_letter.header();
    let envelope = envelope.as_ref();
    DeadLetterView {
        dead_letter: dead_letter.name(),
        dead_lettered_at: Timestamp(i64::try_from(dead_letter.id.ms).unwrap_or(i64::MAX)).into(),
        stream: dead_letter.stream.clone(),
        entry: dead_letter.entry.clone(),
        reason: dead_letter.reason.clone(),
        error: dead_letter.error.clone(),
        command: envelope.map(|envelope| envelope.id.0),
        kind: envelope.map(|envelope| envelope.kind.clone()),
        key: envelope.map(|envelope| envelope.key),
    }
}
