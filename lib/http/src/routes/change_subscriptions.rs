//! `PUT /subscriptions`: changes the notification preferences of the caller.

use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::Actor;
use auction_domain::user::{ChangeNotificationPreferences, UserCommand};
use auction_wire::CommandBody;
use auction_wire::api::SubscriptionsRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::put("change_subscriptions", "/subscriptions", change_subscriptions)
        .summary(tag::NOTIFICATIONS, "Change your notification preferences")
        .description("Replaces all preferences. A kind that is left out is as for a new user.")
        .access(Access::Bidder)
        .body::<SubscriptionsRequest>(false)
        .command(Effect::Changes)
        .problems(&refusals::of(ChangeNotificationPreferences::REFUSALS))
}

async fn change_subscriptions(
    State(portal): State<SharedState>,
    Caller(user): Caller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let request: SubscriptionsRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let submission = CommandSubmission {
        actor: Actor::User(user),
        method: "PUT",
        path: "/subscriptions",
        payload: &payload,
    };
    let change = ChangeNotificationPreferences { preferences: request.0 };
    let command = CommandBody::User(UserCommand::ChangeNotificationPreferences(change));
    submit(&portal, &headers, submission, |_| (user.0, command)).await
}
