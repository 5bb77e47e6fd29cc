//! JSON request bodies. Errors name the invalid field and the problem.

use crate::problem::Problem;
use crate::problem::types::requests;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Display;
use std::time::Duration;

/// Maximum length of a request body in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Timeout for receiving a body. A request extension; without it there is no timeout.
#[derive(Clone, Copy, Debug)]
pub struct BodyTimeout(pub Duration);

/// Body of at most [`MAX_BODY_BYTES`], received within [`BodyTimeout`].
pub struct BoundedBody {
    bytes: Bytes,
    media_type: Option<HeaderValue>,
}

impl<S: Send + Sync> FromRequest<S> for BoundedBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<BoundedBody, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let timeout = request.extensions().get().map_or(Duration::MAX, |BodyTimeout(timeout)| *timeout);
        let Ok(read) = tokio::time::timeout(timeout, Bytes::from_request(request, state)).await else {
            return Err(Problem::of(&requests::BODY_TIMEOUT)
                .with("timeout_seconds", timeout.as_secs())
                // The rest of the body would be read as the next request.
                .with_header(header::CONNECTION, HeaderValue::from_static("close")));
        };
        match read {
            Ok(bytes) => Ok(BoundedBody { bytes, media_type }),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = format!("the body must have at most {MAX_BODY_BYTES} bytes");
                Err(Problem::new(&requests::BODY_TOO_LARGE, detail).with("limit_bytes", MAX_BODY_BYTES))
            }
            Err(error) => Err(invalid("body", error.body_text())),
        }
    }
}

impl BoundedBody {
    /// Deserializes a JSON body. An empty body is read as `{}`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = if self.bytes.is_empty() { b"{}" } else { self.json()? };
        serde_json::from_slice(body)
            .or_else(|error| read_with_normalized_integers(body).ok_or(error))
            .map_err(|error| invalid("body", error))
    }

    fn json(&self) -> Result<&[u8], Problem> {
        let media_type = self.media_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            return Ok(&self.bytes);
        }
        let detail = format!("the body must be application/json, not {media_type:?}");
        Err(Problem::new(&requests::UNSUPPORTED_MEDIA_TYPE, detail))
    }
}

/// Returns the problem of one invalid part of a request, such as a member of the body.
pub fn invalid(at: &str, error: impl Display) -> Problem {
    Problem::invalid(vec![(at.to_owned(), error.to_string())])
}

/// Deserializes a body whose whole numbers are written as `5.0` or `5e0`, which in JSON are the same as `5`.
fn read_with_normalized_integers<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let mut value = serde_json::from_slice(body).ok()?;
    normalize_integers(&mut value);
    serde_json::from_value(value).ok()
}

/// Replaces floating-point numbers that are whole by integers, at all levels.
pub fn normalize_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            // Below 2^53, floating point represents every whole number exactly.
            let is_whole =
                |float: &f64| float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(float);
            if let Some(float) = number.as_f64().filter(|float| number.is_f64() && is_whole(float)) {
                *number = (float as u64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize_integers),
        Value::Object(members) => members.values_mut().for_each(normalize_integers),
        _ => {}
    }
}

/// Returns the canonical JSON of a request, from which its fingerprint is derived. The client's whitespace
/// and member order make no difference.
pub fn canonical(request: &impl Serialize) -> Vec<u8> {
    // Requests are plain structs with text keys, for which serialization cannot fail.
    serde_json::to_vec(request).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_wire::command::place_bid::PlaceBidRequest;

    fn amount(body: &'static str) -> Result<u64, u16> {
        let bytes = Bytes::from_static(body.as_bytes());
        let media_type = Some(HeaderValue::from_static("application/json"));
        let read = BoundedBody { bytes, media_type }.read();
        read.map(|bid: PlaceBidRequest| bid.amount).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn whole_numbers_are_read_in_every_notation() {
        assert_eq!(amount(r#"{"amount": 5}"#), Ok(5));
        assert_eq!(amount(r#"{"amount": 5.0}"#), Ok(5));
        assert_eq!(amount(r#"{"amount": 5e2}"#), Ok(500));
        assert_eq!(amount(r#"{"amount": 4503599627370494.0}"#), Ok(4_503_599_627_370_494));
        for wrong in
            [r#"{"amount": 5.5}"#, r#"{"amount": -5.0}"#, r#"{"amount": 1e30}"#, r#"{"amount": "5"}"#]
        {
            assert_eq!(amount(wrong), Err(400), "{wrong}");
        }
    }
}
