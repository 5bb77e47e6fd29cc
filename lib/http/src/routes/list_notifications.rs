//! `GET /notifications`: notifications of the caller, oldest first.

use crate::access::Access;
use crate::caller::Caller;
use crate::openapi::schemas::{header, in_query, pattern, text, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::SharedState;
use auction_app::ports::notifications::inbox::InboxPage;
use auction_wire::notification::NotificationList;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1000;

/// Sequence numbers are below this, because Lua represents integers exactly only up to here.
const SEQ_LIMIT: u64 = 1 << 53;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("list_notifications", "/notifications", list_notifications)
        .summary(tag::NOTIFICATIONS, "List notifications")
        .description("Oldest first.")
        .access(Access::Bidder)
        .parameter(in_query(
            "limit",
            whole(1, Some(MAX_LIMIT)),
            "Maximum number of notifications per page. Default: 50.",
        ))
        .parameter(in_query(
            "after",
            pattern("^n[0-9a-f]{1,13}$"),
            "Cursor: return only notifications after it.",
        ))
        .response::<NotificationList>(200, "Page of notifications.")
        .response_header(
            200,
            "Link",
            header(text(), "URL of the next page, as `rel=\"next\"`. Absent on the last page."),
        )
        .problems(&[&requests::INVALID_REQUEST])
        .needs_backends()
}

async fn list_notifications(
    State(portal): State<SharedState>,
    Caller(user): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (after, limit) = read_query(query.as_deref().unwrap_or_default())?;
    let page = portal.inbox.page(user, after, limit).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let cursor = page.entries.last().map_or(after.min(page.last), |(seq, _)| *seq);
    let next =
        (cursor < page.last).then(|| format!("/notifications?limit={limit}&after={}", write_cursor(cursor)));
    if let Some(link) =
        next.as_ref().and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok())
    {
        headers.insert(header::LINK, link);
    }
    Ok((headers, body(&page, cursor, next)).into_response())
}

fn read_query(query: &str) -> Result<(u64, usize), Problem> {
    let (mut after, mut limit) = (0, DEFAULT_LIMIT);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    for (name, value) in pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
        match name {
            "limit" => match value.parse() {
                Ok(given) if (1..=MAX_LIMIT).contains(&given) => limit = given,
                _ => return Err(invalid("limit", &format!("must be 1 to {MAX_LIMIT}, is {value:?}"))),
            },
            "after" => match read_cursor(value) {
                Some(seq) => after = seq,
                None => return Err(invalid("after", "must be a `cursor` from a response")),
            },
            other => {
                return Err(invalid(other, "is not a parameter of this endpoint; use `limit` and `after`"));
            }
        }
    }
    Ok((after, limit))
}

fn invalid(name: &str, problem: &str) -> Problem {
    Problem::invalid(vec![(format!("query {name}"), problem.to_owned())])
}

/// Converts a sequence number to a cursor, which is opaque to clients.
pub(super) fn write_cursor(seq: u64) -> String {
    format!("n{seq:x}")
}

/// Converts a cursor to a sequence number.
pub(super) fn read_cursor(cursor: &str) -> Option<u64> {
    let digits = cursor.strip_prefix('n').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok().filter(|seq| *seq < SEQ_LIMIT)
}

/// Adds the members `cursor` and `read` to the stored JSON object of a notification.
pub(super) fn to_json(seq: u64, json: &[u8], read_up_to: u64) -> Vec<u8> {
    let prefix = format!("{{\"cursor\":\"{}\",\"read\":{},", write_cursor(seq), seq <= read_up_to);
    [prefix.as_bytes(), json.get(1..).unwrap_or_default()].concat()
}

fn body(page: &InboxPage, cursor: u64, next: Option<String>) -> Vec<u8> {
    let mut body = b"{\"notifications\":[".to_vec();
    for (n, (seq, json)) in page.entries.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&to_json(*seq, json, page.read_up_to));
    }
    let suffix = format!("],\"unread\":{},\"cursor\":\"{}\"", page.unread(), write_cursor(cursor));
    body.extend_from_slice(suffix.as_bytes());
    if let Some(next) = next {
        body.extend_from_slice(format!(",\"next\":\"{next}\"").as_bytes());
    }
    body.push(b'}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_other_texts_are_invalid() {
        assert_eq!(read_cursor(&write_cursor(0x2a)), Some(0x2a));
        for other in ["", "n", "2a", "n+2a", "nxyz", "n20000000000000", "nffffffffffffffffff"] {
            assert_eq!(read_cursor(other), None, "{other}");
        }
    }
}
