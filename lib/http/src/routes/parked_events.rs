//! `/parked`: what services do not handle any more, for operators.

use super::InPath;
use super::paging::{invalid, members, read_name, read_one_of, read_partition, unknown};
use crate::caller::Operator;
use crate::openapi::schemas::{in_path, in_query, one_of, pattern, text, uuid, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{IngressState, Ports, SharedState, StateExtractor};
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvents,
};
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use auction_wire::body::to_json;
use auction_wire::operator_api::{ParkedDetail, ParkedList, ParkedView, WaitingEvent};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use uuid::Uuid;

/// So many of the events that wait are shown.
const WAITING: usize = 1000;

pub(super) fn list_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_parked", "/parked", list::<P>)
        .summary(tag::OPERATORS, "List what services do not handle any more")
        .about("By service, partition and position.")
        .by_an_operator()
        .takes(in_query("service", pattern("^[a-z_]+$"), "Only by this service."))
        .takes(in_query("partition", whole(0, Some(99)), "Only in this partition."))
        .takes(in_query("key", uuid(), "Only this user or auction."))
        .takes(in_query("reason", one_of(&ParkReason::ALL.map(ParkReason::name)), "Only for this reason."))
        .answers::<ParkedList>(200, "All of it.")
        .problems(&[&requests::INVALID_REQUEST])
        .needs_servers()
}

pub(super) fn show_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_parked", "/parked/{service}/{key}", show::<P>)
        .summary(tag::OPERATORS, "Show the events that wait")
        .by_an_operator()
        .of_a_service()
        .answers::<ParkedDetail>(200, "With the events that wait.")
        .needs_servers()
}

pub(super) fn retry_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("retry_parked", "/parked/{service}/{key}/retry", retry::<P>)
        .summary(tag::OPERATORS, "Let the service try again")
        .about("With all that waits, as soon as it runs. What stays parked is asked for nothing any more.")
        .by_an_operator()
        .of_a_service()
        .answers::<ParkedView>(202, "It was asked.")
        .needs_servers()
}

pub(super) fn drop_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("drop_parked", "/parked/{service}/{key}/drop", drop_event::<P>)
        .summary(tag::OPERATORS, "Give an event up")
        .about(
            "The service goes on with what waits behind it, as soon as it runs. What a service folds from all \
             events, as views are, still needs that one: there, mend and retry instead.",
        )
        .by_an_operator()
        .of_a_service()
        .answers::<ParkedView>(202, "It was asked.")
        .needs_servers()
}

impl<P: Ports> Endpoint<SharedState<P>> {
    /// It is about what one service does not handle.
    fn of_a_service(self) -> Self {
        self.takes(in_path("service", text(), "The service, such as `projector`."))
            .takes(in_path("key", uuid(), "The user or auction."))
            .problems(&[&requests::NOT_PARKED])
    }
}

async fn list<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    RawQuery(query): RawQuery,
) -> Result<Json<ParkedList>, Problem> {
    let mut found = portal.desk.parked.all().await?;
    for (name, value) in members(query.as_deref()) {
        let wrong = || invalid(name, "makes no sense");
        match name {
            "service" => {
                let service = read_name(name, value)?;
                found.retain(|parked| parked.service == service);
            }
            "partition" => {
                let partition = read_partition(value)?;
                found.retain(|parked| parked.partition.0 == partition);
            }
            "key" => {
                let key: Uuid = value.parse().map_err(|_| wrong())?;
                found.retain(|parked| parked.event.key == key);
            }
            "reason" => {
                let reason = read_one_of(name, value, &ParkReason::ALL.map(ParkReason::name))?;
                found.retain(|parked| parked.event.reason.name() == reason);
            }
            other => return Err(unknown(other, "`service`, `partition`, `key` and `reason`")),
        }
    }
    Ok(Json(ParkedList { parked: found.iter().map(view).collect() }))
}

async fn find<P: Ports>(
    portal: &IngressState<P>,
    (service, key): &(String, String),
) -> Result<ParkedAggregate, Problem> {
    let not_parked = || Problem::of(&requests::NOT_PARKED);
    let key = Uuid::try_parse(key).map_err(|_| not_parked())?;
    let all = portal.desk.parked.all().await?;
    let found = all.into_iter().find(|parked| parked.service == *service && parked.event.key == key);
    found.ok_or_else(not_parked)
}

async fn show<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    InPath(path): InPath<(String, String)>,
) -> Result<Json<ParkedDetail>, Problem> {
    let parked = find(&portal, &path).await?;
    let (key, before) = (AuctionId(parked.event.key), parked.event.version.saturating_sub(1));
    let waiting = portal.desk.events.events_of(key, before, WAITING).await?;
    Ok(Json(ParkedDetail { parked: view(&parked), waiting: waiting.iter().map(event).collect() }))
}

async fn retry<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    InPath(path): InPath<(String, String)>,
) -> Result<(StatusCode, Json<ParkedView>), Problem> {
    ask(&portal, &path, OperatorAction::Retry).await
}

async fn drop_event<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    InPath(path): InPath<(String, String)>,
) -> Result<(StatusCode, Json<ParkedView>), Problem> {
    ask(&portal, &path, OperatorAction::Drop).await
}

async fn ask<P: Ports>(
    portal: &IngressState<P>,
    path: &(String, String),
    asked: OperatorAction,
) -> Result<(StatusCode, Json<ParkedView>), Problem> {
    let parked = find(portal, path).await?;
    let (service, key, position) = (&parked.service, parked.event.key, parked.event.position);
    if !portal.desk.parked.request(service, key, position, asked).await? {
        return Err(Problem::of(&requests::NOT_PARKED));
    }
    Ok((StatusCode::ACCEPTED, Json(view(&ParkedAggregate { asked: Some(asked), ..parked }))))
}

fn view(parked: &ParkedAggregate) -> ParkedView {
    let event = &parked.event;
    ParkedView {
        service: parked.service.clone(),
        partition: parked.partition.0,
        key: event.key,
        position: event.position,
        version: event.version,
        kind: event.kind.clone(),
        reason: event.reason.name().to_owned(),
        error: event.error.clone(),
        parked_at: parked.parked_at.into(),
        asked: parked.asked.map(|asked| asked.name().to_owned()),
    }
}

fn event(event: &EventRecord) -> WaitingEvent {
    WaitingEvent {
        position: event.position,
        version: event.version,
        kind: event.kind.clone(),
        schema: event.schema,
        command: event.cause.0,
        body: to_json(&event.body).and_then(|body| serde_json::from_str(&body).ok()),
    }
}
