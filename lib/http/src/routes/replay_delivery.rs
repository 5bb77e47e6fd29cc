//! `POST /user/{id}/webhooks/{webhook}/deliveries/{delivery}/replay`: send something again.

use super::InPath;
use super::webhooks::{delivery as shown, unknown_webhook, webhook_in};
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::webhooks::{ReplayResult, WebhookStore};
use auction_wire::webhook::DeliveryView;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

const PATH: &str = "/user/{id}/webhooks/{webhook}/deliveries/{delivery}/replay";

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("replay_delivery", PATH, replay_delivery::<P>)
        .summary(tag::NOTIFICATIONS, "Send something to a webhook again")
        .about("Now, with all attempts before it, whatever became of it. Its `webhook-id` stays the same.")
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .takes(in_path("webhook", uuid(), "The webhook."))
        .takes(in_path("delivery", uuid(), "The delivery."))
        .answers::<DeliveryView>(202, "It will be sent.")
        .problems(&[
            &requests::NOT_YOUR_ACCOUNT,
            &refusals::UNKNOWN_USER,
            &requests::UNKNOWN_WEBHOOK,
            &requests::UNKNOWN_DELIVERY,
            &requests::WEBHOOK_DISABLED,
        ])
        .needs_servers()
}

async fn replay_delivery<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook, delivery)): InPath<(String, String, String)>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let unknown = || Problem::of(&requests::UNKNOWN_DELIVERY);
    let delivery = Uuid::try_parse(&delivery).map_err(|_| unknown())?;
    match portal.webhooks.webhooks.replay(user, webhook, delivery).await? {
        ReplayResult::Done(delivery) => {
            Ok((StatusCode::ACCEPTED, Json(shown(delivery).ok_or_else(unknown)?)))
        }
        ReplayResult::NoWebhook => Err(unknown_webhook()),
        ReplayResult::NoDelivery => Err(unknown()),
        ReplayResult::Disabled => Err(Problem::of(&requests::WEBHOOK_DISABLED)),
    }
}
