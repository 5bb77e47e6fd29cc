//! Which web pages of other origins may use the ingress from a browser (CORS): none, unless the settings name them.

use crate::consistency::CONSISTENCY_TOKEN;
use crate::rate_limits;
use crate::routes::SERVER_TIME;
use axum::http::{HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// Browsers need not ask again for so long.
const KEPT: Duration = Duration::from_secs(600);

/// For these origins, such as `https://auction.example`, or all with `*`.
pub fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let named = |name| HeaderName::from_static(name);
    let asked = [
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
    let shown = [
        header::AGE,
        header::ETAG,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        CONSISTENCY_TOKEN,
        SERVER_TIME,
        rate_limits::POLICY,
        rate_limits::STANDING,
        named("preference-applied"),
    ];
    let cors = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(asked)
        .expose_headers(shown)
        .max_age(KEPT);
    Some(if origins.iter().any(|origin| origin == "*") {
        cors.allow_origin(Any)
    } else {
        cors.allow_origin(AllowOrigin::list(
            origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()),
        ))
    })
}
