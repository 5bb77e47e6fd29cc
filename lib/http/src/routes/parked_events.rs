//! `/parked-events`: events that components could not handle, and what operators do about them.

use super::InPath;
use super::paging::{parameters, read_name, read_one_of, read_partition, read_uuid, unknown};
use crate::openapi::schemas::{in_path, in_query, one_of, pattern, text, uuid, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{IngressState, SharedState};
use auction_app::ports::operator::parked_events::{OperatorAction, ParkReason, ParkedAggregate};
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use auction_wire::body::to_json;
use auction_wire::operator_api::{ParkedDetail, ParkedList, ParkedView, PendingEvent};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use uuid::Uuid;

/// Maximum number of pending events in a response.
const MAX_PENDING: usize = 1000;

pub(super) fn list_endpoint() -> Endpoint {
    Endpoint::get("list_parked_events", "/parked-events", list)
        .summary(tag::OPERATORS, "List parked events")
        .description(
            "All users and auctions with an event that a component could not handle, by component, \
             partition and position. Later events of the same user or auction wait.",
        )
        .parameter(in_query("component", pattern("^[a-z_]+$"), "Include only this component."))
        .parameter(in_query("partition", whole(0, Some(99)), "Include only this partition."))
        .parameter(in_query("key", uuid(), "Include only this user or auction (id)."))
        .parameter(in_query(
            "reason",
            one_of(&ParkReason::ALL.map(ParkReason::name)),
            "Include only this reason.",
        ))
        .response::<ParkedList>(200, "Parked events.")
        .problems(&[&requests::INVALID_REQUEST])
}

pub(super) fn show_endpoint() -> Endpoint {
    Endpoint::get("show_parked_events", "/parked-events/{component}/{key}", show)
        .summary(tag::OPERATORS, "Show a parked event and the events after it")
        .parked_path()
        .response::<ParkedDetail>(200, "The parked event and the pending events after it.")
}

pub(super) fn retry_endpoint() -> Endpoint {
    Endpoint::post("retry_parked_events", "/parked-events/{component}/{key}/retry", retry)
        .summary(tag::OPERATORS, "Retry parked events")
        .description(
            "The component handles the parked event and the pending events again, as soon as it runs. If \
             an event fails again it stays parked, and `requested_action` is cleared.",
        )
        .parked_path()
        .response::<ParkedView>(202, "The action is requested.")
}

pub(super) fn drop_endpoint() -> Endpoint {
    Endpoint::post("drop_parked_event", "/parked-events/{component}/{key}/drop", drop_event)
        .summary(tag::OPERATORS, "Skip a parked event")
        .description(
            "The component skips the event and handles the events after it, as soon as it runs. Do not use \
             this for the projector: read models need every event. Fix the cause and retry instead.",
        )
        .parked_path()
        .response::<ParkedView>(202, "The action is requested.")
}

impl Endpoint {
    /// The path names a component, and a user or auction.
    fn parked_path(self) -> Self {
        self.parameter(in_path("component", text(), "Component, such as `projector`."))
            .parameter(in_path("key", uuid(), "User id or auction id."))
            .problems(&[&requests::NOT_PARKED])
    }
}

async fn list(
    State(portal): State<SharedState>,
    RawQuery(query): RawQuery,
) -> Result<Json<ParkedList>, Problem> {
    let mut found = portal.parked_events.all().await?;
    for (name, value) in parameters(query.as_deref()) {
        match name {
            "component" => {
                let component = read_name(name, value)?;
                found.retain(|parked| parked.component == component);
            }
            "partition" => {
                let partition = read_partition(value)?;
                found.retain(|parked| parked.partition.0 == partition);
            }
            "key" => {
                let key = read_uuid(name, value)?;
                found.retain(|parked| parked.event.key == key);
            }
            "reason" => {
                let reason = read_one_of(name, value, &ParkReason::ALL.map(ParkReason::name))?;
                found.retain(|parked| parked.event.reason.name() == reason);
            }
            other => return Err(unknown(other, "`component`, `partition`, `key` and `reason`")),
        }
    }
    Ok(Json(ParkedList { parked: found.iter().map(view).collect() }))
}

async fn find(
    portal: &IngressState,
    (component, key): &(String, String),
) -> Result<ParkedAggregate, Problem> {
    let not_parked = || Problem::of(&requests::NOT_PARKED);
    let key = Uuid::try_parse(key).map_err(|_| not_parked())?;
    let all = portal.parked_events.all().await?;
    let found = all.into_iter().find(|parked| parked.component == *component && parked.event.key == key);
    found.ok_or_else(not_parked)
}

async fn show(
    State(portal): State<SharedState>,
    InPath(path): InPath<(String, String)>,
) -> Result<Json<ParkedDetail>, Problem> {
    let parked = find(&portal, &path).await?;
    let (key, before) = (AuctionId(parked.event.key), parked.event.version.saturating_sub(1));
    let pending = portal.auction_events.events_of(key, before, MAX_PENDING).await?;
    Ok(Json(ParkedDetail { parked: view(&parked), pending_events: pending.iter().map(event).collect() }))
}

async fn retry(
    State(portal): State<SharedState>,
    InPath(path): InPath<(String, String)>,
) -> Result<(StatusCode, Json<ParkedView>), Problem> {
    request(&portal, &path, OperatorAction::Retry).await
}

async fn drop_event(
    State(portal): State<SharedState>,
    InPath(path): InPath<(String, String)>,
) -> Result<(StatusCode, Json<ParkedView>), Problem> {
    request(&portal, &path, OperatorAction::Drop).await
}

async fn request(
    portal: &IngressState,
    path: &(String, String),
    action: OperatorAction,
) -> Result<(StatusCode, Json<ParkedView>), Problem> {
    let parked = find(portal, path).await?;
    let (component, key, position) = (&parked.component, parked.event.key, parked.event.position);
    if !portal.parked_events.request(component, key, position, action).await? {
        return Err(Problem::of(&requests::NOT_PARKED));
    }
    Ok((StatusCode::ACCEPTED, Json(view(&ParkedAggregate { requested_action: Some(action), ..parked }))))
}

fn view(parked: &ParkedAggregate) -> ParkedView {
    let event = &parked.event;
    ParkedView {
        component: parked.component.clone(),
        partition: parked.partition.0,
        key: event.key,
        position: event.position,
        version: event.version,
        kind: event.kind.clone(),
        reason: event.reason.name().to_owned(),
        error: event.error.clone(),
        parked_at: parked.parked_at.into(),
        requested_action: parked.requested_action.map(|action| action.name().to_owned()),
    }
}

fn event(event: &EventRecord) -> PendingEvent {
    PendingEvent {
        position: event.position,
        version: event.version,
        kind: event.kind.clone(),
        schema: event.schema,
        command: event.cause.0,
        body: to_json(&event.body).and_then(|body| serde_json::from_str(&body).ok()),
    }
}
