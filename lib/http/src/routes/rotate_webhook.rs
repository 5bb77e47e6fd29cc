//! `POST /user/{id}/webhooks/{webhook}/rotate`: replaces the secret of a webhook.

use super::InPath;
use super::webhooks::{unknown_webhook, webhook_in, webhook_view};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_wire::webhook::WebhookWithSecret;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("rotate_webhook", "/user/{id}/webhooks/{webhook}/rotate", rotate_webhook)
        .summary(tag::NOTIFICATIONS, "Rotate the secret of a webhook")
        .description(
            "The new secret is shown only in this response. Until `previous_secret_until`, deliveries are \
             also signed with the previous secret. Older secrets become invalid at once.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .parameter(in_path("webhook", uuid(), "Webhook id."))
        .response::<WebhookWithSecret>(200, "The webhook and its new secret.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER, &requests::UNKNOWN_WEBHOOK])
        .needs_backends()
}

async fn rotate_webhook(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let webhook = portal.webhooks.rotate(user, webhook).await?.ok_or_else(unknown_webhook)?;
    let secret = portal.webhooks.secret(&webhook).to_string();
    Ok(Json(WebhookWithSecret { secret, webhook: webhook_view(webhook) }))
}
