//! Validators and what caches may do (RFC 9110, RFC 9111): `ETag`, `If-None-Match` and 304, `Cache-Control`.
//!
//! An `ETag` is made of the bytes of the answer, so it changes when they do, and is strong. What is compressed on
//! its way has other bytes, and so another tag: the same with the coding at its end, as in `"…-gzip"`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use xxhash_rust::xxh3::xxh3_64;

/// What an answer may be compressed with.
const CODINGS: [&str; 1] = ["gzip"];

/// What an answer without a body does not say.
const OF_THE_BODY: [HeaderName; 3] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING];

/// The tag of an answer with that body. `version` is put in front.
pub fn etag(version: Option<&[u8]>, body: &[u8]) -> Option<HeaderValue> {
    let hash = format!("{:016x}\"", xxh3_64(body));
    let tag = match version {
        Some(version) => [b"\"", version, b"-", hash.as_bytes()].concat(),
        None => [b"\"", hash.as_bytes()].concat(),
    };
    HeaderValue::from_bytes(&tag).ok()
}

/// What a request says of the answer that its client holds.
pub struct Conditions(Vec<HeaderValue>);

impl Conditions {
    /// Those of a request; of reads alone.
    pub fn of(request: &Request) -> Conditions {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let given = request.headers().get_all(IF_NONE_MATCH).into_iter();
        Conditions(given.filter(|_| is_read).cloned().collect())
    }

    /// The answer, or 304 to whoever has it already; and caches do not keep what says nothing of them.
    pub fn apply(self, mut response: Response) -> Response {
        let is_there = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        let Some(tag) = headers.get(ETAG).cloned() else { return response };
        let Ok(tag) = tag.to_str() else { return response };
        if let Some(coded) = headers.get(CONTENT_ENCODING).and_then(|coding| coded(tag, coding)) {
            headers.insert(ETAG, coded);
        }
        let mut given = self.0.iter().filter_map(|value| value.to_str().ok());
        if is_there && given.any(|value| names(value, tag)) { not_modified(response) } else { response }
    }
}

/// The tag of the same in a coding.
fn coded(tag: &str, coding: &HeaderValue) -> Option<HeaderValue> {
    let (opaque, coding) = (tag.strip_suffix('"')?, coding.to_str().ok()?);
    HeaderValue::from_str(&format!("{opaque}-{coding}\"")).ok()
}

/// Whether a value of `If-None-Match` names that tag, in whatever coding. The comparison is weak, as it is for reads.
fn names(value: &str, tag: &str) -> bool {
    let plain = |given: &str| {
        let given = given.strip_prefix("W/").unwrap_or(given);
        let opaque = given.strip_suffix('"')?;
        let coding = CODINGS.iter().find_map(|coding| opaque.strip_suffix(coding)?.strip_suffix('-'));
        Some(format!("{}\"", coding.unwrap_or(opaque)))
    };
    tags(value).any(|given| given == "*" || plain(given).is_some_and(|given| given == tag))
}

/// The entity tags in the value of a header. A comma within quotes belongs to its tag.
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
    for of_the_body in OF_THE_BODY {
        parts.headers.remove(of_the_body);
    }
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_changes_with_the_bytes_and_says_the_version() {
        let tag = |version, body| etag(version, body).unwrap();
        assert_eq!(tag(None, b"{}"), tag(None, b"{}"));
        assert_ne!(tag(None, b"{}"), tag(None, b"[]"));
        let versioned = tag(Some(b"17"), b"{}");
        assert!(versioned.to_str().unwrap().starts_with("\"17-"), "{versioned:?}");
    }

    #[test]
    fn who_has_it_in_another_coding_has_it() {
        let tag = "\"17-00ff\"";
        assert_eq!(coded(tag, &HeaderValue::from_static("gzip")).unwrap(), "\"17-00ff-gzip\"");
        for given in [tag, "\"17-00ff-gzip\"", "W/\"17-00ff\"", "\"a\", \"17-00ff\"", "*"] {
            assert!(names(given, tag), "{given}");
        }
        for given in ["", "17-00ff", "\"17-00fe\"", "\"17-00ff-br\"", "\"17-\""] {
            assert!(!names(given, tag), "{given}");
        }
    }
}
