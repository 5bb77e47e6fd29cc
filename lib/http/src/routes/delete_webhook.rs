//! `DELETE /user/{id}/webhooks/{webhook}`: deletes a webhook.

use super::InPath;
use super::webhooks::{unknown_webhook, webhook_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::delete("delete_webhook", "/user/{id}/webhooks/{webhook}", delete_webhook)
        .summary(tag::NOTIFICATIONS, "Delete a webhook")
        .description(
            "Deletes the webhook and all its deliveries. A delivery attempt that is in progress may still \
             arrive.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .parameter(in_path("webhook", uuid(), "Webhook id."))
        .empty_response(204, "The webhook is deleted.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER, &requests::UNKNOWN_WEBHOOK])
        .needs_backends()
}

async fn delete_webhook(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let existed = portal.webhooks.webhooks.delete(user, webhook).await?;
    if existed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown_webhook()) }
}
