//! CORS: lets web pages of other origins call the API from a browser. No origin is allowed by default.

use crate::consistency::CONSISTENCY_TOKEN;
use crate::rate_limits;
use crate::routes::SERVER_TIME;
use axum::http::{HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// Time for which browsers may cache the result of a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);

/// Returns the layer that allows these origins, such as `https://auction.example`; `*` allows all. Returns
/// `None` for an empty list.
pub fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let named = |name| HeaderName::from_static(name);
    let request_headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        CONSISTENCY_TOKEN,
        named("idempotency-key"),
        named("prefer"),
        named("traceparent"),
        named("x-user-id"),
        named("x-user-role"),
    ];
    let response_headers = [
        header::AGE,
        header::ETAG,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        CONSISTENCY_TOKEN,
        SERVER_TIME,
        rate_limits::RATE_LIMIT_POLICY,
        rate_limits::RATE_LIMIT,
        named("preference-applied"),
    ];
    let cors = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(request_headers)
        .expose_headers(response_headers)
        .max_age(PREFLIGHT_MAX_AGE);
    Some(if origins.iter().any(|origin| origin == "*") {
        cors.allow_origin(Any)
    } else {
        cors.allow_origin(AllowOrigin::list(
            origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()),
        ))
    })
}
