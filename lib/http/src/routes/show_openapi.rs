//! `GET /openapi.json`: the description of the API, by OpenAPI 3.1.

use crate::openapi::schemas::object;
use crate::openapi::{Endpoint, tag};
use crate::state::{Ports, SharedState};
use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_description", "/openapi.json", show_description)
        .by_everybody()
        .summary(tag::PORTAL, "Describe the API")
        .about("This document.")
        .answers_with(200, "application/json", object(), "OpenAPI 3.1.")
}

/// The description as it is sent.
#[derive(Clone)]
pub(super) struct OpenApiDocument(Bytes);

impl OpenApiDocument {
    /// Written down once.
    pub(super) fn new(description: OpenApi) -> OpenApiDocument {
        // Its keys are text: it can always be written down.
        OpenApiDocument(serde_json::to_vec(&description).unwrap_or_default().into())
    }
}

async fn show_description(Extension(OpenApiDocument(json)): Extension<OpenApiDocument>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
