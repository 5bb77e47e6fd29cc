//! `POST /user/{id}/webhooks/{webhook}/deliveries/{delivery}/replay`: sends a delivery again.

use super::InPath;
use super::webhooks::{delivery_view, unknown_webhook, webhook_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_app::ports::notifications::webhooks::ReplayResult;
use auction_wire::webhook::DeliveryView;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

const PATH: &str = "/user/{id}/webhooks/{webhook}/deliveries/{delivery}/replay";

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("replay_delivery", PATH, replay_delivery)
        .summary(tag::NOTIFICATIONS, "Replay a webhook delivery")
        .description(
            "Sends the delivery again now, whatever its state, with a full set of attempts. The \
             `webhook-id` stays the same.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .parameter(in_path("webhook", uuid(), "Webhook id."))
        .parameter(in_path("delivery", uuid(), "Delivery id."))
        .response::<DeliveryView>(202, "The delivery is scheduled.")
        .problems(&[
            &requests::NOT_YOUR_ACCOUNT,
            &refusals::UNKNOWN_USER,
            &requests::UNKNOWN_WEBHOOK,
            &requests::UNKNOWN_DELIVERY,
            &requests::WEBHOOK_DISABLED,
        ])
        .needs_backends()
}

async fn replay_delivery(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook, delivery)): InPath<(String, String, String)>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let unknown = || Problem::of(&requests::UNKNOWN_DELIVERY);
    let delivery = Uuid::try_parse(&delivery).map_err(|_| unknown())?;
    match portal.webhooks.webhooks.replay(user, webhook, delivery).await? {
        ReplayResult::Done(delivery) => {
            Ok((StatusCode::ACCEPTED, Json(delivery_view(delivery).ok_or_else(unknown)?)))
        }
        ReplayResult::NoWebhook => Err(unknown_webhook()),
        ReplayResult::NoDelivery => Err(unknown()),
        ReplayResult::Disabled => Err(Problem::of(&requests::WEBHOOK_DISABLED)),
    }
}
