//! `GET /docs`: Swagger UI for the OpenAPI document. All files are embedded in the program.

use super::InPath;
use crate::access::Access;
use crate::openapi::schemas::{self, in_path, text};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;

use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, serve};

pub(super) fn page_endpoint() -> Endpoint {
    Endpoint::get("show_docs", "/docs", async || Redirect::permanent("/docs/index.html"))
        .access(Access::Public)
        .summary(tag::PORTAL, "Show the API documentation")
        .empty_response(308, "Redirect to the documentation page.")
        .response_header(308, "Location", schemas::header(text(), "URL of the page."))
}

pub(super) fn file_endpoint() -> Endpoint {
    Endpoint::get("show_docs_file", "/docs/{file}", show_file)
        .access(Access::Public)
        .summary(tag::PORTAL, "Show a file of the API documentation")
        .parameter(in_path("file", text(), "File name."))
        .response_with_media_type(200, "*/*", text(), "The file.")
        .problems(&[&requests::UNKNOWN_ROUTE])
}

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // No requests to third parties: the online validator of Swagger UI is disabled.
    Arc::new(Config::new(["/openapi.json"]).validator_url("none"))
});

async fn show_file(InPath(name): InPath<String>) -> Result<Response, Problem> {
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
