//! `GET` and `PUT /subscriptions`: notification preferences of the caller.

use super::unknown_user;
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::command_response::CommandSubmission;
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::Actor;
use auction_domain::user::{ChangeNotificationPreferences, UserCommand};
use auction_wire::CommandBody;
use auction_wire::command::change_subscriptions::SubscriptionsRequest;
use axum::Json;
use axum::extract::State;
use axum::response::Response;

pub(super) fn show_endpoint() -> Endpoint {
    Endpoint::get("show_subscriptions", "/subscriptions", show)
        .summary(tag::NOTIFICATIONS, "Show your notification preferences")
        .access(Access::Bidder)
        .response::<SubscriptionsRequest>(200, "All notification preferences.")
        .problems(&[&refusals::UNKNOWN_USER])
}

pub(super) fn change_endpoint() -> Endpoint {
    Endpoint::put("change_subscriptions", "/subscriptions", change)
        .summary(tag::NOTIFICATIONS, "Change your notification preferences")
        .description("Replaces all preferences. A kind that is left out is as for a new user.")
        .access(Access::Bidder)
        .body::<SubscriptionsRequest>(false)
        .command(Effect::Changes)
        .problems(&refusals::of(ChangeNotificationPreferences::REFUSALS))
}

async fn show(
    State(portal): State<SharedState>,
    Caller(user): Caller,
) -> Result<Json<SubscriptionsRequest>, Problem> {
    let subscriptions = portal.preferences.preferences(user).await?;
    Ok(Json(SubscriptionsRequest(subscriptions.ok_or_else(unknown_user)?)))
}

async fn change(
    submission: CommandSubmission,
    Caller(user): Caller,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let request: SubscriptionsRequest = body.read()?;
    let payload = body::canonical(&request);
    let change = ChangeNotificationPreferences { preferences: request.0 };
    let command = CommandBody::User(UserCommand::ChangeNotificationPreferences(change));
    submission.submit(Actor::User(user), "/subscriptions", &payload, |_| (user.0, command)).await
}
