//! Documents about the API: `GET /openapi.json`, Swagger UI for it at `GET /docs`, and the pages that explain
//! the problem types at `GET /problems`. All files are embedded in the program.

use super::InPath;
use crate::access::Access;
use crate::openapi::schemas::{self, in_path, object, text};
use crate::openapi::{Endpoint, tag};
use crate::problem::types::{find, requests};
use crate::problem::{Problem, page};
use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use std::sync::{Arc, LazyLock};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, serve};

pub(super) fn openapi_endpoint() -> Endpoint {
    Endpoint::get("show_openapi", "/openapi.json", show_openapi)
        .access(Access::Public)
        .summary(tag::PORTAL, "Show the OpenAPI document")
        .response_with_media_type(200, "application/json", object(), "OpenAPI 3.1 document.")
}

pub(super) fn problems_endpoint() -> Endpoint {
    Endpoint::get("list_problems", "/problems", async || Html(page::index()))
        .access(Access::Public)
        .summary(tag::PORTAL, "List problem types")
        .response_with_media_type(200, "text/html", text(), "HTML page.")
}

pub(super) fn problem_endpoint() -> Endpoint {
    Endpoint::get("show_problem", "/problems/{type}", show_problem)
        .access(Access::Public)
        .summary(tag::PORTAL, "Explain a problem type")
        .description("The `type` of every problem is a URL of this form.")
        .parameter(in_path("type", text(), "Code of the problem, with hyphens instead of underscores."))
        .response_with_media_type(200, "text/html", text(), "HTML page.")
        .problems(&[&requests::UNKNOWN_ROUTE])
}

pub(super) fn docs_endpoint() -> Endpoint {
    Endpoint::get("show_docs", "/docs", async || Redirect::permanent("/docs/index.html"))
        .access(Access::Public)
        .summary(tag::PORTAL, "Show the API documentation")
        .empty_response(308, "Redirect to the documentation page.")
        .response_header(308, "Location", schemas::header(text(), "URL of the page."))
}

pub(super) fn docs_file_endpoint() -> Endpoint {
    Endpoint::get("show_docs_file", "/docs/{file}", show_docs_file)
        .access(Access::Public)
        .summary(tag::PORTAL, "Show a file of the API documentation")
        .parameter(in_path("file", text(), "File name."))
        .response_with_media_type(200, "*/*", text(), "The file.")
        .problems(&[&requests::UNKNOWN_ROUTE])
}

/// Serialized form of the OpenAPI document.
#[derive(Clone)]
pub(super) struct OpenApiDocument(Bytes);

impl OpenApiDocument {
    pub(super) fn new(document: OpenApi) -> OpenApiDocument {
        // All keys are strings: serialization cannot fail.
        OpenApiDocument(serde_json::to_vec(&document).unwrap_or_default().into())
    }
}

async fn show_openapi(Extension(OpenApiDocument(json)): Extension<OpenApiDocument>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

async fn show_problem(InPath(name): InPath<String>) -> Result<Html<String>, Problem> {
    let found = find(&name.replace('-', "_")).filter(|found| found.uri() == format!("/problems/{name}"));
    found
        .map(|problem_type| Html(page::page(problem_type)))
        .ok_or_else(|| Problem::of(&requests::UNKNOWN_ROUTE))
}

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // No requests to third parties: the online validator of Swagger UI is disabled.
    Arc::new(Config::new(["/openapi.json"]).validator_url("none"))
});

async fn show_docs_file(InPath(name): InPath<String>) -> Result<Response, Problem> {
    match serve(&name, Arc::clone(&CONFIG)) {
        Ok(Some(file)) => {
            Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response())
        }
        Ok(None) => Err(Problem::of(&requests::UNKNOWN_ROUTE)),
        Err(error) => {
            tracing::error!(%error, name, "serving documentation file failed");
            Err(Problem::of(&requests::UNKNOWN_ROUTE))
        }
    }
}
