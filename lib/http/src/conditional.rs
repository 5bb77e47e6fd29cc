//! Conditional requests and caching (RFC 9110, RFC 9111): `ETag`, `If-None-Match` with 304, and
//! `Cache-Control`.
//!
//! An `ETag` is a strong validator: a hash of the response body. A compressed response has other bytes and
//! therefore another tag: the same with the content coding appended, as in `"…-gzip"`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use xxhash_rust::xxh3::xxh3_64;

/// Content codings that responses may use.
const CODINGS: [&str; 1] = ["gzip"];

/// Headers that a response without a body does not have.
const BODY_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING];

/// Returns the `ETag` of a response with this body. It begins with `version`, if there is one.
pub fn etag(version: Option<&[u8]>, body: &[u8]) -> Option<HeaderValue> {
    let hash = format!("{:016x}\"", xxh3_64(body));
    let tag = match version {
        Some(version) => [b"\"", version, b"-", hash.as_bytes()].concat(),
        None => [b"\"", hash.as_bytes()].concat(),
    };
    HeaderValue::from_bytes(&tag).ok()
}

/// Condition of a request: the entity tags in its `If-None-Match` headers.
pub struct Conditions(Vec<HeaderValue>);

impl Conditions {
    /// Reads the condition of a `GET` or `HEAD` request. Other requests have no condition.
    pub fn of(request: &Request) -> Conditions {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let given = request.headers().get_all(IF_NONE_MATCH).into_iter();
        Conditions(given.filter(|_| is_read).cloned().collect())
    }

    /// Returns the response, or 304 if the client already has it. Adds `Cache-Control: no-store` to responses
    /// without a `Cache-Control`.
    pub fn apply(self, mut response: Response) -> Response {
        let is_ok = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        let Some(tag) = headers.get(ETAG).cloned() else { return response };
        let Ok(tag) = tag.to_str() else { return response };
        if let Some(coded) = headers.get(CONTENT_ENCODING).and_then(|coding| coded(tag, coding)) {
            headers.insert(ETAG, coded);
        }
        let mut given = self.0.iter().filter_map(|value| value.to_str().ok());
        if is_ok && given.any(|value| matches_tag(value, tag)) { not_modified(response) } else { response }
    }
}

/// Returns the tag of the same representation in a content coding.
fn coded(tag: &str, coding: &HeaderValue) -> Option<HeaderValue> {
    let (opaque, coding) = (tag.strip_suffix('"')?, coding.to_str().ok()?);
    HeaderValue::from_str(&format!("{opaque}-{coding}\"")).ok()
}

/// Returns whether a value of `If-None-Match` contains the tag, with or without a content coding. The
/// comparison is weak, as RFC 9110 requires for this header.
fn matches_tag(value: &str, tag: &str) -> bool {
    let plain = |given: &str| {
        let given = given.strip_prefix("W/").unwrap_or(given);
        let opaque = given.strip_suffix('"')?;
        let coding = CODINGS.iter().find_map(|coding| opaque.strip_suffix(coding)?.strip_suffix('-'));
        Some(format!("{}\"", coding.unwrap_or(opaque)))
    };
    tags(value).any(|given| given == "*" || plain(given).is_some_and(|given| given == tag))
}

/// Returns the entity tags in a header value. A comma within quotes is part of its tag.
pub fn tags(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = value.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.map(str::trim).filter(|tag| !tag.is_empty())
}

fn not_modified(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    for name in BODY_HEADERS {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_changes_with_the_bytes_and_begins_with_the_version() {
        let tag = |version, body| etag(version, body).unwrap();
        assert_eq!(tag(None, b"{}"), tag(None, b"{}"));
        assert_ne!(tag(None, b"{}"), tag(None, b"[]"));
        let versioned = tag(Some(b"17"), b"{}");
        assert!(versioned.to_str().unwrap().starts_with("\"17-"), "{versioned:?}");
    }

    #[test]
    fn if_none_match_ignores_the_content_coding() {
        let tag = "\"17-00ff\"";
        assert_eq!(coded(tag, &HeaderValue::from_static("gzip")).unwrap(), "\"17-00ff-gzip\"");
        for given in [tag, "\"17-00ff-gzip\"", "W/\"17-00ff\"", "\"a\", \"17-00ff\"", "*"] {
            assert!(matches_tag(given, tag), "{given}");
        }
        for given in ["", "17-00ff", "\"17-00fe\"", "\"17-00ff-br\"", "\"17-\""] {
            assert!(!matches_tag(given, tag), "{given}");
        }
    }
}
