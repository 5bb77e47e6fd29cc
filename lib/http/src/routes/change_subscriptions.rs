//! `PUT /subscriptions`: choose what to be told.

use crate::answer::{Asking, ask};
use crate::body::{self, Payload};
use crate::caller::Caller;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_domain::Actor;
use auction_domain::user::{ChangeSubscriptions, UserCommand};
use auction_wire::CommandBody;
use auction_wire::api::SubscriptionsRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) async fn change_subscriptions<P: Ports>(
    State(portal): Shared<P>,
    Caller(user): Caller,
    headers: HeaderMap,
    Payload(body): Payload,
) -> Result<Response, Problem> {
    let request: SubscriptionsRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let asking =
        Asking { actor: Actor::User(user), method: "PUT", path: "/subscriptions", payload: &payload };
    let change = ChangeSubscriptions { to: request.into() };
    let command = CommandBody::User(UserCommand::ChangeSubscriptions(change));
    ask(&portal, &headers, asking, |_| (user.0, command)).await
}
