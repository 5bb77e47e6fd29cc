//! `/user/{id}/webhooks/{webhook}/deliveries`: deliveries of a webhook, newest first.

use super::InPath;
use super::paging::{
    DEFAULT_LIMIT, SEQUENCE_LIMIT, invalid, next_link, parameters, read_limit, read_sequence, unknown,
    write_sequence,
};
use super::webhooks::{unknown_webhook, webhook_in};
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_query, pattern};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::SharedState;
use auction_app::ports::notifications::outbox::OutboxState;
use auction_app::ports::notifications::webhooks::{ReplayResult, WebhookDelivery};
use auction_wire::webhook::{DeliveryList, DeliveryState, DeliveryView};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// First letter of cursors of this list.
const LIST: char = 'd';

pub(super) fn list_endpoint() -> Endpoint {
    Endpoint::get("list_deliveries", "/user/{id}/webhooks/{webhook}/deliveries", list)
        .summary(tag::NOTIFICATIONS, "List webhook deliveries")
        .description(
            "Sent and pending deliveries, newest first. Finished deliveries are deleted after the \
             retention period.",
        )
        .parameter(in_query(
            "cursor",
            pattern("^d[0-9a-f]{1,13}$"),
            "Cursor from `next` of the previous page.",
        ))
        .response::<DeliveryList>(200, "Page of deliveries.")
        .paginated()
        .of_webhook()
}

pub(super) fn replay_endpoint() -> Endpoint {
    const PATH: &str = "/user/{id}/webhooks/{webhook}/deliveries/{delivery}/replay";
    Endpoint::post("replay_delivery", PATH, replay)
        .summary(tag::NOTIFICATIONS, "Replay a webhook delivery")
        .description(
            "Sends the delivery again now, whatever its state, with a full set of attempts. The \
             `webhook-id` stays the same.",
        )
        .response::<DeliveryView>(202, "The delivery is scheduled.")
        .problems(&[&requests::UNKNOWN_DELIVERY, &requests::WEBHOOK_DISABLED])
        .of_webhook()
}

async fn list(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let (mut before, mut limit) = (SEQUENCE_LIMIT, DEFAULT_LIMIT);
    for (name, value) in parameters(query.as_deref()) {
        match name {
            "limit" => limit = read_limit(value)?,
            "cursor" => {
                let invalid_cursor = || invalid("cursor", "must be the cursor from `next`");
                before = read_sequence(LIST, value).ok_or_else(invalid_cursor)?;
            }
            other => return Err(unknown(other, "`limit` and `cursor`")),
        }
    }
    // Reads one more than the limit to find out whether there is a next page.
    let deliveries = portal.webhooks.webhooks.deliveries(user, webhook, before, limit + 1).await?;
    let mut deliveries = deliveries.ok_or_else(unknown_webhook)?;
    let has_next = deliveries.len() > limit;
    deliveries.truncate(limit);
    let next = deliveries.last().filter(|_| has_next).map(|last| {
        let cursor = write_sequence(LIST, last.seq);
        format!("/user/{}/webhooks/{webhook}/deliveries?limit={limit}&cursor={cursor}", user.0)
    });
    let link = next_link(next.as_deref());
    let list = DeliveryList { deliveries: deliveries.into_iter().filter_map(view).collect(), next };
    Ok((link, Json(list)).into_response())
}

async fn replay(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook, delivery)): InPath<(String, String, String)>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let unknown = || Problem::of(&requests::UNKNOWN_DELIVERY);
    let delivery = Uuid::try_parse(&delivery).map_err(|_| unknown())?;
    match portal.webhooks.webhooks.replay(user, webhook, delivery).await? {
        ReplayResult::Done(delivery) => Ok((StatusCode::ACCEPTED, Json(view(delivery).ok_or_else(unknown)?))),
        ReplayResult::NoWebhook => Err(unknown_webhook()),
        ReplayResult::NoDelivery => Err(unknown()),
        ReplayResult::Disabled => Err(Problem::of(&requests::WEBHOOK_DISABLED)),
    }
}

/// Returns the JSON view of a delivery. None if a newer release wrote its content in a form unknown to this
/// one.
fn view(delivery: WebhookDelivery) -> Option<DeliveryView> {
    let state = match delivery.state {
        OutboxState::Pending => DeliveryState::Pending,
        OutboxState::Delivered => DeliveryState::Delivered,
        OutboxState::Failed => DeliveryState::Failed,
    };
    Some(DeliveryView {
        delivery: delivery.id,
        state,
        attempts: delivery.attempts,
        created_at: delivery.created_at.into(),
        next_at: (delivery.state == OutboxState::Pending).then(|| delivery.due_at.into()),
        finished_at: delivery.finished_at.map(Into::into),
        status: delivery.status,
        error: delivery.error,
        content: serde_json::from_slice(&delivery.content).ok()?,
    })
}
