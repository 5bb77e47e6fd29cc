//! Server-sent events (the event stream of HTML): answers that go on.

use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use auction_app::ingress::live_updates::{SubscribeError, Subscriber};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Browsers wait so long before they come again, after a connection broke.
const RETRY: Duration = Duration::from_secs(2);

/// Those whose stream ends because of us come again within so much time, not all at once.
const SPREAD: Duration = Duration::from_secs(5);

/// The id of the last event that a client saw. What is no text is no id of ours.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?")).filter(|id| !id.is_empty())
}

/// An event stream.
pub(crate) fn answer(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that gather answers are asked not to.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let begin = Bytes::from(format!("retry: {}\n\n", RETRY.as_millis()));
    let events = stream::iter([begin]).chain(events).map(Ok::<Bytes, Infallible>);
    (headers, Body::from_stream(events)).into_response()
}

/// When a client whose stream ends shall come again.
pub(crate) fn reconnect_frame() -> Bytes {
    // Random enough, for nothing but this.
    let spread = RandomState::new().hash_one(()) % SPREAD.as_millis() as u64;
    Bytes::from(format!("retry: {}\n\n", 500 + spread))
}

/// What a listener gets, until it ends.
pub(crate) fn stream_events(listener: Subscriber) -> impl Stream<Item = Bytes> + Send {
    let Subscriber { first, then, place } = listener;
    stream::unfold((first, Some(then), place), async |(mut first, then, place)| {
        if let Some(shown) = first.take() {
            return Some((shown, (first, then, place)));
        }
        let mut then = then?;
        match then.recv().await {
            Ok(shown) => Some((shown, (first, Some(then), place))),
            // Too slow, or nobody tells any more.
            Err(_) => Some((reconnect_frame(), (first, None, place))),
        }
    })
}

/// What somebody is told who cannot listen.
pub(crate) fn subscribe_error(why: SubscribeError) -> Problem {
    match why {
        SubscribeError::UnknownAuction => Problem::of(&refusals::UNKNOWN_AUCTION),
        SubscribeError::Full { at_most } => Problem::of(&requests::TOO_MANY_LISTENERS)
            .with("at_most", at_most)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("5")),
        SubscribeError::Unavailable(error) => error.into(),
    }
}
