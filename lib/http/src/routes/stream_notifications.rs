//! `GET /notifications/live`: new notifications of the caller as server-sent events.

use super::notifications::{read_cursor, to_json, write_cursor};
use crate::access::{Access, AuthMethod, Principal};
use crate::auth::is_still_valid;
use crate::caller::Caller;
use crate::openapi::schemas::{in_header, in_query, object, pattern};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::sse_response::{StreamRequest, reconnect_frame, subscribe_error};
use crate::state::SharedState;
use auction_app::ingress::live_updates::{HEARTBEAT, InboxSignal, heartbeat};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::InboxPage;
use auction_domain::UserId;
use auction_wire::notification::Notification;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Maximum number of notifications per read of the inbox.
const PAGE_SIZE: usize = 100;

/// Pause after a failed read of the inbox.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

const DESCRIPTION: &str = "Server-sent events. A new client first receives an `inbox` event with `unread`, \
    the number of unread notifications, and `cursor`. Every notification is a `notification` event with \
    the data of `GET /notifications`; its `id` is the `cursor`. Reconnect with `Last-Event-ID` to receive \
    missed notifications. If some of them are not stored any more, a `reset` event with `unread` and \
    `cursor` precedes the others. A comment is sent every 15 seconds as a heartbeat. The stream ends \
    shortly after the token of the client is revoked.";

pub(super) fn endpoint() -> Endpoint {
    let cursor = || pattern("^n[0-9a-f]{1,13}$");
    Endpoint::get("stream_notifications", "/notifications/live", stream_notifications)
        .summary(tag::NOTIFICATIONS, "Stream new notifications")
        .description(DESCRIPTION)
        .access(Access::Bidder)
        .parameter(in_header(
            "Last-Event-ID",
            pattern("^(n[0-9a-f]{1,13})?$"),
            "`id` of the last event that the client received.",
        ))
        .parameter(in_query(
            "after",
            cursor(),
            "Cursor: the same as `Last-Event-ID`, for clients that cannot set headers.",
        ))
        .response_with_media_type(
            200,
            "text/event-stream",
            object(),
            "Events, until the client or the portal closes the stream.",
        )
        .extra_schema::<Notification>()
        .problems(&[&requests::INVALID_REQUEST, &requests::TOO_MANY_LISTENERS])
}

async fn stream_notifications(
    State(portal): State<SharedState>,
    Caller(user): Caller,
    who: Principal,
    request: StreamRequest,
) -> Result<Response, Problem> {
    let seen = request.last_received(read_cursor)?;
    let permit = portal.live_updates.acquire_permit().map_err(subscribe_error)?;
    // Subscribe before the first read, so that no notification is missed between the two.
    let signal = portal.inbox_signals.subscribe(user);
    let (auth_method, ready) = (who.auth_method, VecDeque::new());
    let mut subscription =
        InboxSubscription { portal, user, auth_method, signal, after: 0, ready, _permit: permit };
    subscription.begin(seen).await?;
    let events = stream::unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        match subscription.next().await {
            Some(frame) => Some((frame, Some(subscription))),
            None => Some((reconnect_frame(), None)),
        }
    });
    Ok(request.respond(events))
}

/// Subscription of one client to an inbox.
struct InboxSubscription {
    portal: SharedState,
    user: UserId,
    auth_method: AuthMethod,
    signal: InboxSignal,
    /// Sequence number of the last notification in `ready`, or sent before.
    after: u64,
    ready: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl InboxSubscription {
    async fn page(&self) -> Result<InboxPage, Unavailable> {
        self.portal.inbox.page(self.user, self.after, PAGE_SIZE).await
    }

    async fn begin(&mut self, seen: Option<u64>) -> Result<(), Unavailable> {
        self.after = seen.unwrap_or_default();
        let page = self.page().await?;
        match seen {
            None => {
                self.after = page.last;
                self.ready.push_back(inbox_event("inbox", &page, page.last));
            }
            // The cursor is ahead of the inbox: the database was restored from a backup.
            Some(seen) if seen > page.last => {
                self.after = page.last;
                self.ready.push_back(inbox_event("reset", &page, page.last));
            }
            Some(seen) => {
                if seen + 1 < page.first {
                    self.after = page.first - 1;
                    self.ready.push_back(inbox_event("reset", &page, self.after));
                }
                self.take(page);
            }
        }
        Ok(())
    }

    fn take(&mut self, page: InboxPage) {
        for (seq, json) in &page.entries {
            let data = to_json(*seq, json, page.read_up_to);
            self.ready.push_back(event("notification", *seq, &data));
            self.after = *seq;
        }
    }

    /// Waits for the next frame. None when the process stops or the token of the client is not valid any
    /// more.
    async fn next(&mut self) -> Option<Bytes> {
        let mut shutdown = self.portal.shutdown.clone();
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if !is_still_valid(&self.portal, self.auth_method).await {
                return None;
            }
            match self.page().await {
                Ok(page) if !page.entries.is_empty() => {
                    self.take(page);
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, user = %self.user, "reading inbox failed, retrying");
                    shutdown.sleep(RETRY_INTERVAL).await;
                    if shutdown.requested() {
                        return None;
                    }
                    continue;
                }
            }
            tokio::select! {
                () = self.signal.changed() => {}
                () = tokio::time::sleep(HEARTBEAT) => return Some(heartbeat()),
                () = shutdown.wait() => return None,
            }
        }
    }
}

fn inbox_event(name: &str, inbox: &InboxPage, seq: u64) -> Bytes {
    let data = format!("{{\"unread\":{},\"cursor\":\"{}\"}}", inbox.unread(), write_cursor(seq));
    event(name, seq, data.as_bytes())
}

fn event(name: &str, seq: u64, data: &[u8]) -> Bytes {
    let head = format!("event: {name}\nid: {}\ndata: ", write_cursor(seq));
    Bytes::from([head.as_bytes(), data, b"\n\n"].concat())
}
