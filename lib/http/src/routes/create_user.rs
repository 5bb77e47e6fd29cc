//! `POST /users`: open an account.

use crate::answer::{Asking, ask};
use crate::body::{self, Payload};
use crate::caller::MaybeCaller;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_domain::Actor;
use auction_domain::user::{CreateUser, UserCommand};
use auction_wire::CommandBody;
use auction_wire::api::CreateUserRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) async fn create_user<P: Ports>(
    State(portal): Shared<P>,
    MaybeCaller(caller): MaybeCaller,
    headers: HeaderMap,
    Payload(body): Payload,
) -> Result<Response, Problem> {
    let request: CreateUserRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let actor = caller.map_or(Actor::Portal, Actor::User);
    let asking = Asking { actor, method: "POST", path: "/users", payload: &payload };
    ask(&portal, &headers, asking, |id| (id.0, CommandBody::User(UserCommand::CreateUser(CreateUser)))).await
}
