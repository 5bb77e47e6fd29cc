//! `GET /docs`: the description as a page, with forms to try it. All files are part of the program.

use super::InPath;
use crate::openapi::schemas::{self, in_path, text};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{Ports, SharedState};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, serve};

pub(super) fn page_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_docs", "/docs", async || Redirect::permanent("/docs/index.html"))
        .by_everybody()
        .summary(tag::PORTAL, "Show the description as a page")
        .answers_with_nothing(308, "To the page.")
        .with_header(308, "Location", schemas::header(text(), "Where it is."))
}

pub(super) fn file_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_docs_file", "/docs/{file}", show_file)
        .by_everybody()
        .summary(tag::PORTAL, "A file of that page")
        .takes(in_path("file", text(), "Its name."))
        .answers_with(200, "*/*", text(), "The file.")
        .problems(&[&requests::UNKNOWN_ROUTE])
}

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // Nothing is asked of anybody else: not even whether the description is valid.
    Arc::new(Config::new(["/openapi.json"]).validator_url("none"))
});

async fn show_file(InPath(name): InPath<String>) -> Result<Response, Problem> {
    match serve(&name, Arc::clone(&CONFIG)) {
        Ok(Some(file)) => {
            Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response())
        }
        Ok(None) => Err(Problem::of(&requests::UNKNOWN_ROUTE)),
        Err(error) => {
            tracing::error!(%error, name, "a file of the documentation cannot be served");
            Err(Problem::of(&requests::UNKNOWN_ROUTE))
        }
    }
}
