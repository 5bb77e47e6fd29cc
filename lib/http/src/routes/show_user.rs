//! `GET /user/{id}`: one's own account.

use super::InPath;
use crate::caller::Caller;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::ports::view_store::Views;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

pub(super) async fn show_user<P: Ports>(
    State(portal): Shared<P>,
    Caller(caller): Caller,
    InPath(user): InPath<String>,
) -> Result<Response, Problem> {
    if Uuid::try_parse(&user) != Ok(caller.0) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_your_account",
            "an account is shown to its user only",
        ));
    }
    let view = portal.views.user(portal.partitions.of(caller.0), caller).await?;
    let view = view.ok_or_else(|| Problem::not_found("unknown_user", "there is no such user"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], view).into_response())
}
