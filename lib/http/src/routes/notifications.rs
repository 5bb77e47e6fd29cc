//! `GET /notifications`: notifications of the caller, oldest first. `PUT /notifications/read` marks all up to
//! a cursor as read.

use super::paging::{
    DEFAULT_LIMIT, invalid, next_link, page, parameters, read_limit, read_sequence, unknown, write_sequence,
};
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::openapi::schemas::{in_query, pattern};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::state::SharedState;
use auction_wire::notification::{MarkReadRequest, MarkedRead, NotificationList};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) fn list_endpoint() -> Endpoint {
    Endpoint::get("list_notifications", "/notifications", list)
        .summary(tag::NOTIFICATIONS, "List notifications")
        .description("Oldest first.")
        .access(Access::Bidder)
        .parameter(in_query(
            "after",
            pattern("^n[0-9a-f]{1,13}$"),
            "Cursor: return only notifications after it.",
        ))
        .response::<NotificationList>(200, "Page of notifications.")
        .paginated()
}

pub(super) fn mark_read_endpoint() -> Endpoint {
    Endpoint::put("mark_read", "/notifications/read", mark_read)
        .summary(tag::NOTIFICATIONS, "Mark notifications as read")
        .access(Access::Bidder)
        .body::<MarkReadRequest>(true)
        .response::<MarkedRead>(200, "The cursor and the number of unread notifications.")
}

async fn list(
    State(portal): State<SharedState>,
    Caller(user): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (mut after, mut limit) = (0, DEFAULT_LIMIT);
    for (name, value) in parameters(query.as_deref()) {
        match name {
            "limit" => limit = read_limit(value)?,
            "after" => {
                let invalid_cursor = || invalid("after", "must be a `cursor` from a response");
                after = read_cursor(value).ok_or_else(invalid_cursor)?;
            }
            other => return Err(unknown(other, "`limit` and `after`")),
        }
    }
    let inbox = portal.inbox.page(user, after, limit).await?;
    let last = inbox.entries.last().map_or(after.min(inbox.last), |(seq, _)| *seq);
    let cursor = write_cursor(last);
    let next = (last < inbox.last).then(|| format!("/notifications?limit={limit}&after={cursor}"));
    let prefix = format!("{{\"unread\":{},\"cursor\":\"{cursor}\",\"notifications\":[", inbox.unread());
    let entries = inbox.entries.iter().map(|(seq, json)| to_json(*seq, json, inbox.read_up_to));
    let link = next_link(next.as_deref());
    let body = page(&prefix, entries, next).body;
    Ok(([(header::CONTENT_TYPE, "application/json")], link, body).into_response())
}

async fn mark_read(
    State(portal): State<SharedState>,
    Caller(user): Caller,
    body: BoundedBody,
) -> Result<Json<MarkedRead>, Problem> {
    let request: MarkReadRequest = body.read()?;
    let invalid_cursor = || body::invalid("read_through", "must be a `cursor` from a response");
    let read_through = read_cursor(&request.read_through).ok_or_else(invalid_cursor)?;
    let (read_through, unread) = portal.inbox.mark_read(user, read_through).await?;
    Ok(Json(MarkedRead { read_through: write_cursor(read_through), unread }))
}

/// Converts a sequence number to a cursor, which is opaque to clients.
pub(super) fn write_cursor(seq: u64) -> String {
    write_sequence('n', seq)
}

/// Converts a cursor to a sequence number.
pub(super) fn read_cursor(cursor: &str) -> Option<u64> {
    read_sequence('n', cursor)
}

/// Adds the members `cursor` and `read` to the stored JSON object of a notification.
pub(super) fn to_json(seq: u64, json: &[u8], read_up_to: u64) -> Vec<u8> {
    let prefix = format!("{{\"cursor\":\"{}\",\"read\":{},", write_cursor(seq), seq <= read_up_to);
    [prefix.as_bytes(), json.get(1..).unwrap_or_default()].concat()
}
