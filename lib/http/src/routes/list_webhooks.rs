//! `GET /user/{id}/webhooks`: where a user is told by HTTP.

use super::webhooks::shown;
use super::{InPath, user_in};
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::webhooks::WebhookStore;
use auction_wire::webhook::WebhookList;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_webhooks", "/user/{id}/webhooks", list_webhooks::<P>)
        .summary(tag::NOTIFICATIONS, "List where one is told by HTTP")
        .about("The oldest first, without their secrets.")
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .answers::<WebhookList>(200, "All of them.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
        .needs_servers()
}

async fn list_webhooks<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
) -> Result<Json<WebhookList>, Problem> {
    let user = user_in(&user, actor)?;
    let webhooks = portal.webhooks.webhooks.webhooks(user).await?;
    Ok(Json(WebhookList { webhooks: webhooks.into_iter().map(shown).collect() }))
}
