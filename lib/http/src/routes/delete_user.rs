//! `DELETE /user/{id}`: delete an account for good, by its user or an operator.

use super::{InPath, user_in};
use crate::caller::ActingAs;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_domain::user::{DeleteUser, UserCommand};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::delete("delete_user", "/user/{id}", delete_user::<P>)
        .summary(tag::USERS, "Delete an account")
        .about(
            "For good, by its user or an operator. Live bids go, open auctions are cancelled, results stay.",
        )
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .command(Effect::Changes)
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER, &refusals::USER_ALREADY_DELETED])
}

async fn delete_user<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?.0;
    let path = format!("/user/{user}");
    let asking = CommandSubmission { actor, method: "DELETE", path: &path, payload: b"" };
    let delete = CommandBody::User(UserCommand::DeleteUser(DeleteUser));
    submit(&portal, &headers, asking, |_| (user, delete)).await
}
