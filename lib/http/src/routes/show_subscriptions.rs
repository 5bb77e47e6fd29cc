//! `GET /subscriptions`: what the caller is told.

use super::unknown_user;
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
        .summary(tag::NOTIFICATIONS, "Show what one is told")
        .by_a_user()
        .answers::<SubscriptionsRequest>(200, "The whole choice.")
        .problems(&[&refusals::UNKNOWN_USER])
        .needs_servers()
}

async fn show_subscriptions<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(user): Caller,
) -> Result<Json<SubscriptionsRequest>, Problem> {
    let subscriptions = portal.subscribers.subscriptions(user).await?;
    Ok(Json(subscriptions.ok_or_else(unknown_user)?.into()))
}
