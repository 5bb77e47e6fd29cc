//! `DELETE /user/{id}`: delete an account for good, by its user or an operator.

use super::{InPath, user_in};
use crate::answer::{Asking, ask};
use crate::caller::Acting;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_domain::user::{DeleteUser, UserCommand};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) async fn delete_user<P: Ports>(
    State(portal): Shared<P>,
    Acting(actor): Acting,
    InPath(user): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?.0;
    let path = format!("/user/{user}");
    let asking = Asking { actor, method: "DELETE", path: &path, payload: b"" };
    let delete = CommandBody::User(UserCommand::DeleteUser(DeleteUser));
    ask(&portal, &headers, asking, |_| (user, delete)).await
}
