//! `POST /users`: a user of whom nothing is known here, for a gateway or a program that knows him. People sign up.

use crate::body::{self, BoundedBody};
use crate::caller::MaybeCaller;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_domain::Actor;
use auction_domain::user::{CreateUser, UserCommand};
use auction_wire::CommandBody;
use auction_wire::api::CreateUserRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("create_user", "/users", create_user::<P>)
        .summary(tag::USERS, "Open an account for somebody else")
        .about(
            "For gateways and programs that know their users themselves; people sign up. Where no user calls yet, an Idempotency-Key must have \
             at least 32 characters, such as a UUID: it must be nobody else's.",
        )
        .by_a_service()
        .body::<CreateUserRequest>(false)
        .command(Effect::Creates)
        .problems(&[&refusals::USER_EXISTS])
}

async fn create_user<P: Ports>(
    State(portal): StateExtractor<P>,
    MaybeCaller(caller): MaybeCaller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let request: CreateUserRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let actor = caller.map_or(Actor::Portal, Actor::User);
    let asking = CommandSubmission { actor, method: "POST", path: "/users", payload: &payload };
    submit(&portal, &headers, asking, |id| (id.0, CommandBody::User(UserCommand::CreateUser(CreateUser))))
        .await
}
