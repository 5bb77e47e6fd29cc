//! `DELETE /user/{id}`: deletes an account permanently.

use super::{InPath, user_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_domain::user::{DeleteUser, UserCommand};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::delete("delete_user", "/user/{id}", delete_user)
        .summary(tag::USERS, "Delete an account permanently")
        .description(
            "Only the user and operators can delete an account. Its active bids are retracted and its open \
             auctions are cancelled; results of closed auctions stay.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .command(Effect::Changes)
        .problems(&[&requests::NOT_YOUR_ACCOUNT])
        .problems(&refusals::of(DeleteUser::REFUSALS))
}

async fn delete_user(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?.0;
    let path = format!("/user/{user}");
    let submission = CommandSubmission { actor, method: "DELETE", path: &path, payload: b"" };
    let delete = CommandBody::User(UserCommand::DeleteUser(DeleteUser));
    submit(&portal, &headers, submission, |_| (user, delete)).await
}
