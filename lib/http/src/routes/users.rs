//! `POST /users` creates a user without an account, for a gateway or service that has the accounts itself;
//! users of this portal sign up instead. `GET /user/{id}` is the read model of a user: nothing but the id and
//! the deletion is left of a deleted user. `DELETE /user/{id}` deletes an account permanently.

use super::paging::{parameters, unknown};
use super::{InPath, unknown_user, user_in};
use crate::access::{Access, Principal};
use crate::body::{self, BoundedBody};
use crate::caller::ActingAs;
use crate::command_response::CommandSubmission;
use crate::consistency::{CONSISTENCY_TOKEN, Consistency, ConsistentRead, PartitionScope};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::read_model::{CacheScope, ReadModel, Representation};
use crate::state::SharedState;
use auction_app::projector::views::user;
use auction_domain::Actor;
use auction_domain::user::{CreateUser, DeleteUser, UserCommand};
use auction_wire::CommandBody;
use auction_wire::command::create_user::CreateUserRequest;
use auction_wire::view::UserView;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

pub(super) fn create_endpoint() -> Endpoint {
    Endpoint::post("create_user", "/users", create)
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

pub(super) fn show_endpoint() -> Endpoint {
    Endpoint::get("show_user", "/user/{id}", show)
        .summary(tag::USERS, "Show a user")
        .description("Only the user and operators can read it. A deleted user is shown as deleted.")
        .access(Access::UserOrOperator)
        .response::<UserView>(200, "The user.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
        .reads_read_model()
}

pub(super) fn delete_endpoint() -> Endpoint {
    Endpoint::delete("delete_user", "/user/{id}", delete)
        .summary(tag::USERS, "Delete an account permanently")
        .description(
            "Only the user and operators can delete an account. Its active bids are retracted and its open \
             auctions are cancelled; results of closed auctions stay.",
        )
        .access(Access::UserOrOperator)
        .command(Effect::Changes)
        .problems(&[&requests::NOT_YOUR_ACCOUNT])
        .problems(&refusals::of(DeleteUser::REFUSALS))
}

async fn create(
    submission: CommandSubmission,
    caller: Principal,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let request: CreateUserRequest = body.read()?;
    let actor = caller.user.map_or(Actor::Portal, Actor::User);
    let create = CommandBody::User(UserCommand::CreateUser(CreateUser));
    submission.submit(actor, "/users", &body::canonical(&request), |id| (id.0, create)).await
}

async fn show(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    consistency: Consistency,
    InPath(user): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    if let Some((other, _)) = parameters(query.as_deref()).next() {
        return Err(unknown(other, "`consistency`"));
    }
    let partition = portal.partitions.of(user.0);
    let view = |_| user::read(&*portal.views, partition, user);
    let ConsistentRead { value, freshness, .. } =
        consistency.read(&portal, PartitionScope::One(partition), view).await?;
    let none = || unknown_user().with_header(CONSISTENCY_TOKEN, freshness.token.clone());
    let representation = Representation::new(value.ok_or_else(none)?);
    Ok(ReadModel { representation, freshness, scope: CacheScope::Private }.into_response())
}

async fn delete(
    submission: CommandSubmission,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?.0;
    let delete = CommandBody::User(UserCommand::DeleteUser(DeleteUser));
    submission.submit(actor, &format!("/user/{user}"), b"", |_| (user, delete)).await
}
