//! `GET /command/{handle}`: what became of a command.

use super::InPath;
use crate::answer;
use crate::portal::{Ports, Shared};
use crate::prefer::Prefer;
use crate::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) async fn show_command<P: Ports>(
    State(portal): Shared<P>,
    InPath(command): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let handle = portal.accept.open(&command).ok_or_else(|| {
        Problem::not_found("unknown_command", "no command was ever given this handle by this portal")
    })?;
    let status = portal.accept.status(&handle).await?;
    answer::status(command, &handle, status, Prefer::from_headers(&headers))
}
