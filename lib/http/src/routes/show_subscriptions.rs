//! `GET /subscriptions`: notification preferences of the caller.

use super::unknown_user;
use crate::access::Access;
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::preferences::PreferenceReader;
use auction_wire::api::SubscriptionsRequest;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_subscriptions", "/subscriptions", show_subscriptions::<P>)
        .summary(tag::NOTIFICATIONS, "Show your notification preferences")
        .access(Access::Bidder)
        .response::<SubscriptionsRequest>(200, "All notification preferences.")
        .problems(&[&refusals::UNKNOWN_USER])
        .needs_backends()
}

async fn show_subscriptions<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(user): Caller,
) -> Result<Json<SubscriptionsRequest>, Problem> {
    let subscriptions = portal.preferences.preferences(user).await?;
    Ok(Json(subscriptions.ok_or_else(unknown_user)?.into()))
}
