//! `GET /user/{id}/webhooks`: webhooks of a user.

use super::webhooks::webhook_view;
use super::{InPath, user_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_wire::webhook::WebhookList;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("list_webhooks", "/user/{id}/webhooks", list_webhooks)
        .summary(tag::NOTIFICATIONS, "List webhooks")
        .description("Oldest first, without secrets.")
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .response::<WebhookList>(200, "All webhooks of the user.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
        .needs_backends()
}

async fn list_webhooks(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
) -> Result<Json<WebhookList>, Problem> {
    let user = user_in(&user, actor)?;
    let webhooks = portal.webhooks.webhooks.webhooks(user).await?;
    Ok(Json(WebhookList { webhooks: webhooks.into_iter().map(webhook_view).collect() }))
}
