//! `GET /openapi.json`: the OpenAPI 3.1 document of this API.

use crate::access::Access;
use crate::openapi::schemas::object;
use crate::openapi::{Endpoint, tag};

use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("show_openapi", "/openapi.json", show_openapi)
        .access(Access::Public)
        .summary(tag::PORTAL, "Show the OpenAPI document")
        .response_with_media_type(200, "application/json", object(), "OpenAPI 3.1 document.")
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
