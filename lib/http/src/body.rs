//! JSON bodies, with errors that say what is wrong and where.

use crate::problem::Problem;
use crate::problem::types::requests;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// The longest body that is read.
pub const LONGEST: usize = 64 * 1024;

/// How long a body may take to come.
#[derive(Clone, Copy, Debug)]
pub struct BodyTimeout(pub Duration);

/// The bytes of a body, at most [`LONGEST`] of them.
pub struct BoundedBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for BoundedBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<BoundedBody, Problem> {
        let within = request.extensions().get().map_or(Duration::MAX, |BodyTimeout(within)| *within);
        let Ok(read) = tokio::time::timeout(within, Bytes::from_request(request, state)).await else {
            return Err(Problem::of(&requests::BODY_TOO_SLOW)
                .with("within_seconds", within.as_secs())
                // What is still to come would be taken for the next request.
                .with_header(header::CONNECTION, HeaderValue::from_static("close")));
        };
        match read {
            Ok(bytes) => Ok(BoundedBody(bytes)),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = format!("the body must have at most {LONGEST} bytes");
                Err(Problem::new(&requests::TOO_LARGE, detail).with("at_most_bytes", LONGEST))
            }
            Err(error) => Err(Problem::invalid(vec![("body".to_owned(), error.body_text())])),
        }
    }
}

/// Reads a JSON body. An empty one stands for `{}`.
pub fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { check_json(headers, body)? };
    serde_json::from_slice(body)
        .or_else(|error| with_whole_numbers(body).ok_or(error))
        .map_err(|error| Problem::invalid(vec![("body".to_owned(), error.to_string())]))
}

/// JSON has one kind of number: `5.0` is `5`. Looked at only when it is not written like that.
fn with_whole_numbers<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let mut value = serde_json::from_slice(body).ok()?;
    normalize_integers(&mut value);
    serde_json::from_value(value).ok()
}

/// Writes whole numbers as such, wherever they are in it.
pub fn normalize_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            // Up to here, floating point tells whole numbers apart.
            let whole = |float: &f64| float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(float);
            if let Some(float) = number.as_f64().filter(|float| number.is_f64() && whole(float)) {
                *number = (float as u64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize_integers),
        Value::Object(members) => members.values_mut().for_each(normalize_integers),
        _ => {}
    }
}

fn check_json<'a>(headers: &HeaderMap, body: &'a Bytes) -> Result<&'a [u8], Problem> {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(body);
    }
    let detail = format!("the body must be application/json, not {media_type:?}");
    Err(Problem::new(&requests::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// The payload in one form, however the client spaced and ordered it: what its fingerprint is taken of.
pub fn canonical(request: &impl Serialize) -> Vec<u8> {
    // Requests are plain structs with text keys; writing them as JSON cannot fail.
    serde_json::to_vec(request).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_wire::api::PlaceBidRequest;

    fn amount(body: &'static str) -> Result<u64, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let read = read(&headers, &Bytes::from_static(body.as_bytes()));
        read.map(|bid: PlaceBidRequest| bid.amount).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
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
