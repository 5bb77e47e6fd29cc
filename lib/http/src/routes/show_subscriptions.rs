//! `GET /subscriptions`: what the caller is told.

use crate::caller::Caller;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::ports::subscribers::Subscribers;
use auction_wire::api::SubscriptionsRequest;
use axum::Json;
use axum::extract::State;

pub(super) async fn show_subscriptions<P: Ports>(
    State(portal): Shared<P>,
    Caller(user): Caller,
) -> Result<Json<SubscriptionsRequest>, Problem> {
    let subscriptions = portal.subscribers.subscriptions(user).await?;
    let unknown = || Problem::not_found("unknown_user", "there is no such user");
    Ok(Json(subscriptions.ok_or_else(unknown)?.into()))
}
