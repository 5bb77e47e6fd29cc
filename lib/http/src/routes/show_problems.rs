//! `GET /problems` and `GET /problems/{type}`: pages that explain the problem types.

use super::InPath;
use crate::access::Access;
use crate::openapi::schemas::{in_path, text};
use crate::openapi::{Endpoint, tag};
use crate::problem::types::{find, requests};
use crate::problem::{Problem, page};

use axum::response::Html;

pub(super) fn index_endpoint() -> Endpoint {
    Endpoint::get("list_problems", "/problems", async || Html(page::index()))
        .access(Access::Public)
        .summary(tag::PORTAL, "List problem types")
        .response_with_media_type(200, "text/html", text(), "HTML page.")
}

pub(super) fn page_endpoint() -> Endpoint {
    Endpoint::get("show_problem", "/problems/{type}", show_problem)
        .access(Access::Public)
        .summary(tag::PORTAL, "Explain a problem type")
        .description("The `type` of every problem is a URL of this form.")
        .parameter(in_path("type", text(), "Code of the problem, with hyphens instead of underscores."))
        .response_with_media_type(200, "text/html", text(), "HTML page.")
        .problems(&[&requests::UNKNOWN_ROUTE])
}

async fn show_problem(InPath(name): InPath<String>) -> Result<Html<String>, Problem> {
    let found = find(&name.replace('-', "_")).filter(|found| found.uri() == format!("/problems/{name}"));
    found
        .map(|problem_type| Html(page::page(problem_type)))
        .ok_or_else(|| Problem::of(&requests::UNKNOWN_ROUTE))
}
