//! Answers that are read models: JSON as it is stored, how fresh it is, what caches may do with it, and where the
//! next page is.

use crate::conditional;
use crate::consistency::{CONSISTENCY_TOKEN, FreshnessHeaders};
use crate::if_match;
use crate::prefer::PREFERENCE_APPLIED;
use crate::state::wall_clock;
use auction_app::ports::views::read_models::AuctionDocument;
use auction_domain::Timestamp;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::time::Instant;

/// What is shown.
#[derive(Clone, Debug)]
pub struct Representation {
    /// The JSON.
    pub body: Bytes,
    /// Its validator.
    pub etag: Option<HeaderValue>,
    /// Of a page of a list, where the next one is.
    pub next: Option<String>,
}

impl Representation {
    /// By its bytes alone.
    pub fn new(body: Vec<u8>) -> Representation {
        Representation { etag: conditional::etag(None, &body), body: body.into(), next: None }
    }
}

/// An auction as it was read.
#[derive(Clone, Debug)]
pub struct AuctionRepresentation {
    /// What is shown.
    pub shown: Representation,
    /// What the portal's clock said then.
    now: Timestamp,
    /// When that was.
    at: Instant,
    /// It was told from the store.
    pub from_store: bool,
}

impl AuctionRepresentation {
    /// Its view.
    pub fn of_view(view: AuctionDocument) -> AuctionRepresentation {
        AuctionRepresentation::new(view.json, view.now, false)
    }

    /// As the store tells it. The clock is that of this machine.
    pub fn of_store(json: Vec<u8>) -> AuctionRepresentation {
        AuctionRepresentation::new(json, wall_clock(), true)
    }

    fn new(json: Vec<u8>, now: Timestamp, from_store: bool) -> AuctionRepresentation {
        let shown = Representation { etag: if_match::etag(&json), body: json.into(), next: None };
        AuctionRepresentation { shown, now, at: Instant::now(), from_store }
    }

    /// What the portal's clock says now.
    pub fn now(&self) -> Timestamp {
        let since = i64::try_from(self.at.elapsed().as_millis()).unwrap_or_default();
        Timestamp(self.now.0.saturating_add(since))
    }
}

/// An answer.
pub struct ReadModel {
    /// What is shown.
    pub shown: Representation,
    /// How fresh it is.
    pub fresh: FreshnessHeaders,
    /// Who may see it.
    pub whose: CacheScope,
}

/// Who may see an answer. A cache may keep it, and must ask before it uses it: what was read a moment ago may be
/// older than a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CacheScope {
    /// It is the same for everybody.
    Public,
    /// It depends on who asks.
    Private,
}

impl IntoResponse for ReadModel {
    fn into_response(self) -> Response {
        let ReadModel {
            shown: Representation { body, etag, next },
            fresh: FreshnessHeaders { token, age, applied },
            whose,
        } = self;
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONSISTENCY_TOKEN, token);
        let cache = match whose {
            CacheScope::Public => "no-cache",
            CacheScope::Private => {
                headers.insert(header::VARY, HeaderValue::from_static("x-user-id, x-user-role"));
                "private, no-cache"
            }
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        if let Some(age) = age {
            headers.insert(header::AGE, HeaderValue::from(age.as_secs()));
        }
        if let Some(applied) = applied {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        if let Some(etag) = etag {
            headers.insert(header::ETAG, etag);
        }
        let next = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
        if let Some(next) = next {
            headers.insert(header::LINK, next);
        }
        response
    }
}
