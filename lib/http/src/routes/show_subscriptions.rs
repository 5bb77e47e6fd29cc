//! `GET /subscriptions`: notification preferences of the caller.

use super::unknown_user;
use crate::access::Access;
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_wire::api::SubscriptionsRequest;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("show_subscriptions", "/subscriptions", show_subscriptions)
        .summary(tag::NOTIFICATIONS, "Show your notification preferences")
        .access(Access::Bidder)
        .response::<SubscriptionsRequest>(200, "All notification preferences.")
        .problems(&[&refusals::UNKNOWN_USER])
        .needs_backends()
}

async fn show_subscriptions(
    State(portal): State<SharedState>,
    Caller(user): Caller,
) -> Result<Json<SubscriptionsRequest>, Problem> {
    let preferences = portal.preferences.preferences(user).await?;
    Ok(Json(SubscriptionsRequest(preferences.ok_or_else(unknown_user)?)))
}
