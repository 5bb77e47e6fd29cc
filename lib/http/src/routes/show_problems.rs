//! `GET /problems` and `GET /problems/{type}`: pages that explain what is not a success.

use super::InPath;
use crate::openapi::schemas::{in_path, text};
use crate::openapi::{Endpoint, tag};
use crate::problem::types::{find, requests};
use crate::problem::{Problem, page};
use crate::state::{Ports, SharedState};
use axum::response::Html;

pub(super) fn index_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_problems", "/problems", async || Html(page::index()))
        .by_everybody()
        .summary(tag::PORTAL, "List all problems there are")
        .answers_with(200, "text/html", text(), "A page for people.")
}

pub(super) fn page_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_problem", "/problems/{type}", show_problem)
        .by_everybody()
        .summary(tag::PORTAL, "Explain a problem")
        .about("The `type` of every problem leads here.")
        .takes(in_path("type", text(), "The code of the problem, with hyphens."))
        .answers_with(200, "text/html", text(), "A page for people.")
        .problems(&[&requests::UNKNOWN_ROUTE])
}

async fn show_problem(InPath(name): InPath<String>) -> Result<Html<String>, Problem> {
    let kind = find(&name.replace('-', "_")).filter(|kind| kind.uri() == format!("/problems/{name}"));
    kind.map(|kind| Html(page::page(kind))).ok_or_else(|| Problem::of(&requests::UNKNOWN_ROUTE))
}
