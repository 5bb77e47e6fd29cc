//! Server-sent events (`text/event-stream` of the HTML standard).

use crate::address_limits::AddressPermit;
use crate::body;
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::routes::paging::{invalid, parameters, unknown};
use crate::state::SharedState;
use auction_app::ingress::live_updates::{SubscribeError, Subscriber};
use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Time after which clients reconnect when the connection is lost.
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// Clients whose stream the server ends reconnect within this time, at random, so as not to reconnect all at
/// once.
const RECONNECT_SPREAD: Duration = Duration::from_secs(5);

/// Request for a stream, counted for the address of its client.
pub(crate) struct StreamRequest {
    headers: HeaderMap,
    query: Option<String>,
    of_address: Option<AddressPermit>,
}

impl FromRequestParts<SharedState> for StreamRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &SharedState) -> Result<StreamRequest, Problem> {
        let limits = portal.rate_limits.as_ref();
        let of_address =
            limits.map_or(Ok(None), |limits| limits.count_live_stream(&parts.extensions, &parts.headers))?;
        let query = parts.uri.query().map(str::to_owned);
        Ok(StreamRequest { headers: parts.headers.clone(), query, of_address })
    }
}

impl StreamRequest {
    /// Returns which event the client received last. `read` reads the id of an event.
    pub(crate) fn last_received(&self, read: impl Fn(&str) -> Option<u64>) -> Result<Option<u64>, Problem> {
        last_received(&self.headers, self.query.as_deref(), read)
    }

    /// Returns a response that streams these events, and counts for the address until it ends.
    pub(crate) fn respond(self, events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
        event_stream(events, self.of_address)
    }
}

/// Returns which event the client received last: `Last-Event-ID` or, for clients that cannot set headers, the
/// query parameter `after`.
fn last_received(
    headers: &HeaderMap,
    query: Option<&str>,
    read: impl Fn(&str) -> Option<u64>,
) -> Result<Option<u64>, Problem> {
    const INVALID: &str = "must be the `id` of an event of this stream";
    if let Some(id) = headers.get("last-event-id").filter(|id| !id.is_empty()) {
        let seen = id.to_str().ok().and_then(read);
        return seen.map(Some).ok_or_else(|| body::invalid("header Last-Event-ID", INVALID));
    }
    let mut seen = None;
    for (name, value) in parameters(query) {
        match name {
            "after" => seen = Some(read(value).ok_or_else(|| invalid("after", INVALID))?),
            other => return Err(unknown(other, "`after`")),
        }
    }
    Ok(seen)
}

fn event_stream(
    events: impl Stream<Item = Bytes> + Send + 'static,
    of_address: Option<AddressPermit>,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Asks nginx not to buffer the response.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let first = Bytes::from(format!("retry: {}\n\n", RECONNECT_DELAY.as_millis()));
    let events = stream::iter([first]).chain(events).map(move |frame| {
        let _counted = &of_address;
        Ok::<Bytes, Infallible>(frame)
    });
    (headers, Body::from_stream(events)).into_response()
}

/// Returns the last frame of a stream that the server ends: a reconnect delay that is random, to spread the
/// load.
pub(crate) fn reconnect_frame() -> Bytes {
    // `RandomState` is random enough for this purpose.
    let spread = RandomState::new().hash_one(()) % RECONNECT_SPREAD.as_millis() as u64;
    Bytes::from(format!("retry: {}\n\n", 500 + spread))
}

/// Streams the frames of a subscriber, followed by [`reconnect_frame`] when its subscription ends.
pub(crate) fn stream_events(subscriber: Subscriber) -> impl Stream<Item = Bytes> + Send {
    let Subscriber { initial, updates, permit } = subscriber;
    stream::unfold((initial, Some(updates), permit), async |(mut initial, updates, permit)| {
        if let Some(frame) = initial.take() {
            return Some((frame, (initial, updates, permit)));
        }
        let mut updates = updates?;
        match updates.recv().await {
            Ok(frame) => Some((frame, (initial, Some(updates), permit))),
            // The subscriber is too slow, or the hub ended the subscription.
            Err(_) => Some((reconnect_frame(), (initial, None, permit))),
        }
    })
}

/// Returns the problem of a failed subscription.
pub(crate) fn subscribe_error(error: SubscribeError) -> Problem {
    match error {
        SubscribeError::UnknownAuction => Problem::of(&refusals::UNKNOWN_AUCTION),
        SubscribeError::Full { limit } => Problem::of(&requests::TOO_MANY_LISTENERS)
            .with("limit", limit)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("5")),
        SubscribeError::Unavailable(error) => error.into(),
    }
}
