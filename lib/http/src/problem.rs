//! Error responses: `application/problem+json` by RFC 9457, one type per code. Values that a program may need
//! are separate members.

use auction_app::ports::Unavailable;
use auction_domain::{Currency, Detail, RefusalClass};
use auction_wire::OutcomeDetail;
use auction_wire::api::refusal_status;
use auction_wire::time::JsonTime;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

pub(crate) mod page;
pub mod types;

use types::{ProblemType, requests};

/// Value of `WWW-Authenticate` (RFC 6750) on every 401 that does not set its own.
const BEARER: &str = "Bearer realm=\"auction portal\"";

/// Error response: a problem and its headers.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Makes a problem with a `detail` that explains this occurrence.
    pub fn new(problem_type: &'static ProblemType, detail: impl Into<String>) -> Problem {
        Problem {
            // A test checks that the table contains only valid status codes.
            status: StatusCode::from_u16(problem_type.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: problem_type.code.into(),
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// Makes a problem whose `detail` is the summary of its type.
    pub fn of(problem_type: &'static ProblemType) -> Problem {
        Problem::new(problem_type, problem_type.summary())
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// Makes an `invalid_request`. Each error is the name of a field or header, and what is wrong with it.
    pub fn invalid(errors: Vec<(String, String)>) -> Problem {
        let detail = errors.iter().map(|(at, why)| format!("{at}: {why}")).collect::<Vec<_>>().join("; ");
        let errors: Vec<Value> = errors.iter().map(|(at, why)| json!({"at": at, "problem": why})).collect();
        Problem::new(&requests::INVALID_REQUEST, detail).with("errors", errors)
    }

    /// Makes the problem of a refusal. `code`, `message` and `details` come from the stored outcome, so the code
    /// need not be in the table of this release.
    pub fn refused(
        code: &str,
        class: RefusalClass,
        message: &str,
        currency: Option<Currency>,
        details: &[OutcomeDetail],
    ) -> Problem {
        // The table contains only valid status codes.
        let status = StatusCode::from_u16(refusal_status(class)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut problem = Problem {
            status,
            code: code.to_owned().into(),
            detail: message.to_owned(),
            members: Map::new(),
            headers: Vec::new(),
        };
        for detail in details {
            problem.members.insert(detail.name.clone(), detail_json(detail.value, currency));
        }
        problem
    }
}

/// Converts a detail of an outcome to JSON.
pub fn detail_json(detail: Detail, currency: Option<Currency>) -> Value {
    match (detail, currency) {
        (Detail::Amount(amount), Some(currency)) => {
            json!({"amount": amount.minor_units(), "currency": currency.code()})
        }
        (Detail::Amount(amount), None) => json!({"amount": amount.minor_units()}),
        (Detail::Time(time), _) => json!(JsonTime(time)),
        (Detail::Count(count), _) => json!(count),
        (Detail::Flag(flag), _) => json!(flag),
        (Detail::Id(id), _) => json!(id.to_string()),
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Problem {
        // The error names backends and addresses: log it, and do not show it to clients.
        tracing::warn!(%error, "request failed: backend unavailable");
        Problem::of(&requests::TEMPORARILY_UNAVAILABLE)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": types::uri(&self.code),
            "title": types::title(&self.code),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.members);
        }
        let mut response = (self.status, body.to_string()).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().extend(self.headers);
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static(BEARER);
            response.headers_mut().entry(header::WWW_AUTHENTICATE).or_insert(bearer);
        }
        response
    }
}
