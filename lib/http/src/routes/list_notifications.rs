//! `GET /notifications`: what the caller was told, the oldest first.

use crate::caller::Caller;
use crate::openapi::schemas::{header, in_query, pattern, text, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::inbox::InboxPage;
use auction_wire::notification::NotificationList;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 1000;

/// Places are below it, so that Lua knows them exactly.
const PLACES: u64 = 1 << 53;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_notifications", "/notifications", list_notifications::<P>)
        .summary(tag::NOTIFICATIONS, "List what one was told")
        .about("The oldest first.")
        .by_a_user()
        .takes(in_query("limit", whole(1, Some(MOST)), "At most so many on a page; 50 if not said."))
        .takes(in_query("after", pattern("^n[0-9a-f]{1,13}$"), "A `cursor`: only what comes behind it."))
        .answers::<NotificationList>(200, "One page.")
        .with_header(200, "Link", header(text(), "The next page, as `rel=\"next\"`."))
        .problems(&[&requests::INVALID_REQUEST])
        .needs_servers()
}

async fn list_notifications<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(user): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (after, limit) = read_query(query.as_deref().unwrap_or_default())?;
    let page = portal.inbox.page(user, after, limit).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let cursor = page.entries.last().map_or(after.min(page.last), |(seq, _)| *seq);
    let next = (cursor < page.last).then(|| format!("/notifications?limit={limit}&after={}", write(cursor)));
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
                Ok(most) if (1..=MOST).contains(&most) => limit = most,
                _ => return Err(invalid("limit", &format!("must be 1 to {MOST}, is {value:?}"))),
            },
            "after" => match read(value) {
                Some(place) => after = place,
                None => return Err(invalid("after", "must be a `cursor` of an answer")),
            },
            other => return Err(invalid(other, "is not known here; there are `limit` and `after`")),
        }
    }
    Ok((after, limit))
}

fn invalid(name: &str, problem: &str) -> Problem {
    Problem::invalid(vec![(format!("query {name}"), problem.to_owned())])
}

/// A place as clients see it: theirs to give back, not to take apart.
pub(super) fn write(place: u64) -> String {
    format!("n{place:x}")
}

/// Reads a place.
pub(super) fn read(cursor: &str) -> Option<u64> {
    let digits = cursor.strip_prefix('n').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok().filter(|place| *place < PLACES)
}

/// A notification is a JSON object already; two members are put in front of it.
pub(super) fn one(seq: u64, json: &[u8], read_up_to: u64) -> Vec<u8> {
    let front = format!("{{\"cursor\":\"{}\",\"read\":{},", write(seq), seq <= read_up_to);
    [front.as_bytes(), json.get(1..).unwrap_or_default()].concat()
}

fn body(page: &InboxPage, cursor: u64, next: Option<String>) -> Vec<u8> {
    let mut body = b"{\"notifications\":[".to_vec();
    for (n, (seq, json)) in page.entries.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&one(*seq, json, page.read_up_to));
    }
    let rest = format!("],\"unread\":{},\"cursor\":\"{}\"", page.unread(), write(cursor));
    body.extend_from_slice(rest.as_bytes());
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
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        assert_eq!(read(&write(0x2a)), Some(0x2a));
        for other in ["", "n", "2a", "n+2a", "nxyz", "n20000000000000", "nffffffffffffffffff"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
