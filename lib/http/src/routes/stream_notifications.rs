//! `GET /notifications/live`: what the caller is told, as he is told it.

use super::list_notifications::{one, read, write};
use super::paging::{invalid, members, unknown};
use crate::access::{AuthMethod, Principal};
use crate::auth::is_still_valid;
use crate::caller::Caller;
use crate::openapi::schemas::{in_header, in_query, object, pattern};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::sse_response::{answer, last_event_id, reconnect_frame, subscribe_error};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ingress::live_updates::{HEARTBEAT, InboxSignal, heartbeat};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::InboxPage;
use auction_domain::UserId;
use auction_wire::notification::Notification;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::stream;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// At most so many at a time; the rest comes right behind.
const PAGE: usize = 100;

/// When a server is away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

const ABOUT: &str = "Server-sent events. Who comes without having seen anything is first told how many he has not read, \
    by an event `inbox` with `unread` and `cursor`. Then each notification comes as a `notification`, as in \
    `GET /notifications`; its `cursor` is the `id`. Who comes back says what he saw last and is told what he missed; \
    if some of that is not kept any more, an event `reset` says so, with `unread` and `cursor`, before what is. A \
    comment shows every 15 seconds that the connection is alive. It ends soon after the caller has signed out.";

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    let cursor = || pattern("^n[0-9a-f]{1,13}$");
    Endpoint::get("listen_to_notifications", "/notifications/live", listen_to_notifications::<P>)
        .summary(tag::NOTIFICATIONS, "Listen to what one is told")
        .about(ABOUT)
        .by_a_user()
        .takes(in_header(
            "Last-Event-ID",
            pattern("^(n[0-9a-f]{1,13})?$"),
            "The last notification that was seen.",
        ))
        .takes(in_query("after", cursor(), "The same, for who has a `cursor` and cannot set headers."))
        .answers_with(200, "text/event-stream", object(), "Events, until one of the two ends it.")
        .mentions::<Notification>()
        .problems(&[&requests::INVALID_REQUEST, &requests::TOO_MANY_LISTENERS])
        .needs_servers()
}

async fn listen_to_notifications<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(user): Caller,
    who: Principal,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = seen(&headers, query.as_deref())?;
    let place = portal.live.place().map_err(subscribe_error)?;
    // Before the first look, so that nothing falls between the two.
    let bell = portal.bells.listen(user);
    let (by, ready) = (who.by, VecDeque::new());
    let mut listening = Listening { portal, user, by, bell, after: 0, ready, _place: place };
    listening.begin(seen).await?;
    let events = stream::unfold(Some(listening), async |listening| {
        let mut listening = listening?;
        match listening.next().await {
            Some(shown) => Some((shown, Some(listening))),
            None => Some((reconnect_frame(), None)),
        }
    });
    Ok(answer(events))
}

fn seen(headers: &HeaderMap, query: Option<&str>) -> Result<Option<u64>, Problem> {
    if let Some(id) = last_event_id(headers) {
        let wrong = ("header Last-Event-ID".to_owned(), "must be the `cursor` of a notification".to_owned());
        return read(id).map(Some).ok_or_else(|| Problem::invalid(vec![wrong]));
    }
    let mut seen = None;
    for (name, value) in members(query) {
        match name {
            "after" => seen = Some(read(value).ok_or_else(|| invalid("after", "must be a `cursor`"))?),
            other => return Err(unknown(other, "`after`")),
        }
    }
    Ok(seen)
}

/// One listener.
struct Listening<P: Ports> {
    portal: SharedState<P>,
    user: UserId,
    /// Whence that is known.
    by: AuthMethod,
    bell: InboxSignal,
    /// The place of what was told last.
    after: u64,
    ready: VecDeque<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl<P: Ports> Listening<P> {
    async fn page(&self) -> Result<InboxPage, Unavailable> {
        self.portal.inbox.page(self.user, self.after, PAGE).await
    }

    async fn begin(&mut self, seen: Option<u64>) -> Result<(), Unavailable> {
        self.after = seen.unwrap_or_default();
        let page = self.page().await?;
        match seen {
            None => {
                self.after = page.last;
                self.ready.push_back(how_it_is("inbox", &page, page.last));
            }
            // Ahead of all that there is: a database from before.
            Some(seen) if seen > page.last => {
                self.after = page.last;
                self.ready.push_back(how_it_is("reset", &page, page.last));
            }
            Some(seen) => {
                if seen + 1 < page.first {
                    self.after = page.first - 1;
                    self.ready.push_back(how_it_is("reset", &page, self.after));
                }
                self.take(page);
            }
        }
        Ok(())
    }

    fn take(&mut self, page: InboxPage) {
        for (seq, json) in &page.entries {
            let data = one(*seq, json, page.read_up_to);
            self.ready.push_back(event("notification", *seq, &data));
            self.after = *seq;
        }
    }

    /// What is told next; none when it is time to stop, or not known any more who listens.
    async fn next(&mut self) -> Option<Bytes> {
        let mut stop = self.portal.stop.clone();
        loop {
            if let Some(shown) = self.ready.pop_front() {
                return Some(shown);
            }
            if !is_still_valid(&self.portal, self.by).await {
                return None;
            }
            match self.page().await {
                Ok(page) if !page.entries.is_empty() => {
                    self.take(page);
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, user = %self.user, "a listener waits for his inbox");
                    stop.sleep(LOOK_AGAIN).await;
                    if stop.requested() {
                        return None;
                    }
                    continue;
                }
            }
            tokio::select! {
                () = self.bell.changed() => {}
                () = tokio::time::sleep(HEARTBEAT) => return Some(heartbeat()),
                () = stop.wait() => return None,
            }
        }
    }
}

fn how_it_is(name: &str, inbox: &InboxPage, place: u64) -> Bytes {
    let data = format!("{{\"unread\":{},\"cursor\":\"{}\"}}", inbox.unread(), write(place));
    event(name, place, data.as_bytes())
}

fn event(name: &str, place: u64, data: &[u8]) -> Bytes {
    let head = format!("event: {name}\nid: {}\ndata: ", write(place));
    Bytes::from([head.as_bytes(), data, b"\n\n"].concat())
}
