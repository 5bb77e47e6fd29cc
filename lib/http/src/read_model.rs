//! Responses made of read models: stored JSON with headers for consistency, caching and pagination.

use crate::conditional;
use crate::consistency::{CONSISTENCY_TOKEN, FreshnessHeaders};
use crate::if_match;
use crate::prefer::PREFERENCE_APPLIED;
use crate::routes::paging::next_link;
use crate::state::wall_clock;
use auction_app::ports::views::read_models::Document;
use auction_domain::Timestamp;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::time::Instant;

/// Body of a response with its validator.
#[derive(Clone, Debug)]
pub struct Representation {
    /// JSON of the response.
    pub body: Bytes,
    pub etag: Option<HeaderValue>,
    /// Path of the next page, for a page of a list.
    pub next: Option<String>,
}

impl Representation {
    /// The `ETag` is a hash of the body.
    pub fn new(body: Vec<u8>) -> Representation {
        Representation { etag: conditional::etag(None, &body), body: body.into(), next: None }
    }
}

/// Auction with the time at which it was read.
#[derive(Clone, Debug)]
pub struct AuctionRepresentation {
    pub representation: Representation,
    /// Time of the portal's clock when the auction was read.
    server_time: Timestamp,
    read_at: Instant,
    /// Whether it was rebuilt from its events in the store, because the read model was unavailable.
    pub from_store: bool,
}

impl AuctionRepresentation {
    pub fn of_view(view: Document) -> AuctionRepresentation {
        AuctionRepresentation::new(view.json, view.now, false)
    }

    /// For an auction that was rebuilt from the store. The server time is the clock of this machine.
    pub fn of_store(json: Vec<u8>) -> AuctionRepresentation {
        AuctionRepresentation::new(json, wall_clock(), true)
    }

    fn new(json: Vec<u8>, server_time: Timestamp, from_store: bool) -> AuctionRepresentation {
        let representation = Representation { etag: if_match::etag(&json), body: json.into(), next: None };
        AuctionRepresentation { representation, server_time, read_at: Instant::now(), from_store }
    }

    /// Returns the current time of the portal's clock.
    pub fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.read_at.elapsed().as_millis()).unwrap_or_default();
        Timestamp(self.server_time.0.saturating_add(elapsed))
    }
}

/// Response made of a read model.
pub struct ReadModel {
    pub representation: Representation,
    pub freshness: FreshnessHeaders,
    pub scope: CacheScope,
}

/// Scope of caching. Caches may store a response, but must revalidate it before use: it may be older than the
/// token of the next request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CacheScope {
    /// The response is the same for all callers.
    Public,
    /// The response depends on the caller.
    Private,
}

impl IntoResponse for ReadModel {
    fn into_response(self) -> Response {
        let ReadModel {
            representation: Representation { body, etag, next },
            freshness: FreshnessHeaders { token, age, applied },
            scope,
        } = self;
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONSISTENCY_TOKEN, token);
        let cache = match scope {
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
        headers.extend(next_link(next.as_deref()));
        response
    }
}
