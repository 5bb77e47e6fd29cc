//! `POST /users`: creates a user without an account, for a gateway or service that has the accounts itself.
//! Users of this portal sign up instead.

use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::MaybeCaller;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::Actor;
use auction_domain::user::{CreateUser, UserCommand};
use auction_wire::CommandBody;
use auction_wire::api::CreateUserRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("create_user", "/users", create_user)
        .summary(tag::USERS, "Create a user")
        .description(
            "For gateways and services that have accounts of their own. To create an account for yourself, \
             use `POST /sign-up`. Without `X-User-Id` the Idempotency-Key must have at least 32 \
             characters, such as a UUID: it must be unique among all callers.",
        )
        .access(Access::Service)
        .body::<CreateUserRequest>(false)
        .command(Effect::Creates)
        .problems(&refusals::of(CreateUser::REFUSALS))
}

async fn create_user(
    State(portal): State<SharedState>,
    MaybeCaller(caller): MaybeCaller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let request: CreateUserRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let actor = caller.map_or(Actor::Portal, Actor::User);
    let submission = CommandSubmission { actor, method: "POST", path: "/users", payload: &payload };
    submit(&portal, &headers, submission, |id| (id.0, CommandBody::User(UserCommand::CreateUser(CreateUser))))
        .await
}
