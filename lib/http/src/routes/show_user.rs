//! `GET /user/{id}`: an account, for its user or an operator. Of a deleted one only that it was is left.

use super::{InPath, unknown_user, user_in};
use crate::caller::Acting;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::ports::view_store::Views;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) async fn show_user<P: Ports>(
    State(portal): Shared<P>,
    Acting(actor): Acting,
    InPath(user): InPath<String>,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    let view = portal.views.user(portal.partitions.of(user.0), user).await?.ok_or_else(unknown_user)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], view).into_response())
}
