//! `POST /user/{id}/webhooks/{webhook}/rotate`: a new secret.

use super::InPath;
use super::webhooks::{shown, unknown_webhook, webhook_in};
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_wire::webhook::WebhookWithSecret;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("rotate_webhook", "/user/{id}/webhooks/{webhook}/rotate", rotate_webhook::<P>)
        .summary(tag::NOTIFICATIONS, "Give a webhook a new secret")
        .about(
            "Shown this once. Until `previous_secret_until` the one before signs as well; one that was given out \
             before that signs no more.",
        )
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .takes(in_path("webhook", uuid(), "The webhook."))
        .answers::<WebhookWithSecret>(200, "It signs from now on.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER, &requests::UNKNOWN_WEBHOOK])
        .needs_servers()
}

async fn rotate_webhook<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let webhook = portal.webhooks.rotate(user, webhook).await?.ok_or_else(unknown_webhook)?;
    let secret = portal.webhooks.secret(&webhook).to_string();
    Ok(Json(WebhookWithSecret { secret, webhook: shown(webhook) }))
}
