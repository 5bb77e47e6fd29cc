//! Answers that are not a success: `application/problem+json` by RFC 9457, one type per code, with the
//! numbers as members.

use auction_app::ports::Unavailable;
use auction_domain::{Currency, Detail, RefusedClass};
use auction_wire::OutcomeDetail;
use auction_wire::time::JsonTime;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

pub(crate) mod page;
pub mod types;

use types::{ProblemType, requests};

/// How to say who calls (RFC 6750), on every 401.
const BEARER: &str = "Bearer realm=\"auction portal\"";

/// A problem, and headers that go with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of that kind, with one sentence for people about this very case.
    pub fn new(kind: &'static ProblemType, detail: impl Into<String>) -> Problem {
        Problem {
            // The table has statuses only, as a test shows.
            status: StatusCode::from_u16(kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: kind.code.into(),
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// A problem of that kind, about which there is no more to say.
    pub fn of(kind: &'static ProblemType) -> Problem {
        Problem::new(kind, kind.happened)
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// With one more member.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// With one more header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// 400: the request itself is wrong. Each error names a member or a header.
    pub fn invalid(errors: Vec<(String, String)>) -> Problem {
        let detail = errors.iter().map(|(at, why)| format!("{at}: {why}")).collect::<Vec<_>>().join("; ");
        let errors: Vec<Value> = errors.iter().map(|(at, why)| json!({"at": at, "problem": why})).collect();
        Problem::new(&requests::INVALID_REQUEST, detail).with("errors", errors)
    }

    /// A refusal of the auction or the user itself.
    pub fn refused(
        code: &str,
        class: RefusedClass,
        detail: &str,
        currency: Option<Currency>,
        facts: &[OutcomeDetail],
    ) -> Problem {
        let status = match class {
            RefusedClass::Unknown => StatusCode::NOT_FOUND,
            RefusedClass::Forbidden => StatusCode::FORBIDDEN,
            RefusedClass::Conflict => StatusCode::CONFLICT,
            RefusedClass::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            RefusedClass::VersionMoved => StatusCode::PRECONDITION_FAILED,
        };
        let mut problem = Problem {
            status,
            code: code.to_owned().into(),
            detail: detail.to_owned(),
            members: Map::new(),
            headers: Vec::new(),
        };
        for fact in facts {
            problem.members.insert(fact.name.clone(), fact_json(fact.value, currency));
        }
        problem
    }
}

/// A fact of an outcome as JSON.
pub fn fact_json(fact: Detail, currency: Option<Currency>) -> Value {
    match (fact, currency) {
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
        // What is wrong with which server is for the log, not for the client.
        tracing::warn!(%error, "a request could not be served");
        let detail = "the portal cannot serve this right now; the request can be repeated safely with an \
                      Idempotency-Key";
        Problem::new(&requests::TEMPORARILY_UNAVAILABLE, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // An ingress of yesterday can be told of a refusal of today.
        let title =
            types::find(&self.code).map_or_else(|| in_words(&self.code), |kind| kind.title.to_owned());
        let mut body = json!({
            "type": types::uri(&self.code),
            "title": title,
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

/// `not_above_your_latest` as "Not above your latest".
fn in_words(code: &str) -> String {
    let mut words = code.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}
