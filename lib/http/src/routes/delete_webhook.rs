//! `DELETE /user/{id}/webhooks/{webhook}`: be told there no more.

use super::InPath;
use super::webhooks::{unknown_webhook, webhook_in};
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::webhooks::WebhookStore;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::delete("delete_webhook", "/user/{id}/webhooks/{webhook}", delete_webhook::<P>)
        .summary(tag::NOTIFICATIONS, "Be told by HTTP no more")
        .about(
            "What was or will be sent there is forgotten with it; an attempt that is on its way may arrive.",
        )
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .takes(in_path("webhook", uuid(), "The webhook."))
        .answers_with_nothing(204, "It is gone.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER, &requests::UNKNOWN_WEBHOOK])
        .needs_servers()
}

async fn delete_webhook<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let gone = portal.webhooks.webhooks.delete(user, webhook).await?;
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(unknown_webhook()) }
}
