//! `GET /user/{id}`: an account, for its user or an operator. Of a deleted one only that it was is left.

use super::{InPath, unknown_user, user_in};
use crate::caller::Acting;
use crate::description::schemas::{in_path, uuid};
use crate::description::{Endpoint, tag};
use crate::portal::{Ports, Shared, SharedPortal};
use crate::problem::Problem;
use crate::problem::kinds::{refusals, requests};
use auction_app::ports::view_store::Views;
use auction_wire::view::UserView;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedPortal<P>> {
    Endpoint::get("show_user", "/user/{id}", show_user::<P>)
        .summary(tag::USERS, "Show an account")
        .about("To its user or an operator. Of a deleted one only that it was is left.")
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .answers::<UserView>(200, "The account.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
        .needs_servers()
}

async fn show_user<P: Ports>(
    State(portal): Shared<P>,
    Acting(actor): Acting,
    InPath(user): InPath<String>,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    let view = portal.views.user(portal.partitions.of(user.0), user).await?.ok_or_else(unknown_user)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], view).into_response())
}
