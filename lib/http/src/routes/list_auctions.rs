//! `GET /auctions`: auctions whose result is not declared yet, those that end first, first.

use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::ports::view_store::{Listed, Views};
use auction_domain::{AuctionId, Timestamp};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 1000;

/// One page.
struct Page {
    limit: usize,
    after: Option<(Timestamp, AuctionId)>,
}

pub(super) async fn list_auctions<P: Ports>(
    State(portal): Shared<P>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let page = Page::read(query.as_deref().unwrap_or_default())?;
    let listed = portal.views.listed(page.after, page.limit).await?;
    let next = listed.next.map(|place| page.next(place));
    Ok(([(header::CONTENT_TYPE, "application/json")], body(&listed.lines, next)).into_response())
}

impl Page {
    fn read(query: &str) -> Result<Page, Problem> {
        let mut page = Page { limit: DEFAULT_LIMIT, after: None };
        for (name, value) in query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        {
            match name {
                "limit" => match value.parse() {
                    Ok(limit) if (1..=MOST).contains(&limit) => page.limit = limit,
                    _ => return Err(invalid("limit", &format!("must be 1 to {MOST}, is {value:?}"))),
                },
                "after" => match read_place(value) {
                    Some(place) => page.after = Some(place),
                    None => return Err(invalid("after", "must be taken from `next` of another page")),
                },
                other => return Err(invalid(other, "is not known here; there are `limit` and `after`")),
            }
        }
        Ok(page)
    }

    fn next(&self, (ends_at, auction): (Timestamp, AuctionId)) -> String {
        format!("/auctions?limit={}&after={}_{auction}", self.limit, ends_at.0)
    }
}

fn read_place(text: &str) -> Option<(Timestamp, AuctionId)> {
    let (ends_at, auction) = text.split_once('_')?;
    Some((Timestamp(ends_at.parse().ok()?), AuctionId(Uuid::try_parse(auction).ok()?)))
}

fn invalid(name: &str, problem: &str) -> Problem {
    Problem::invalid(vec![(format!("query {name}"), problem.to_owned())])
}

/// The lines are JSON already; they are put together without being read.
fn body(listed: &[Listed], next: Option<String>) -> Vec<u8> {
    let mut body = b"{\"auctions\":[".to_vec();
    for (n, line) in listed.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&line.json);
    }
    body.push(b']');
    if let Some(next) = next {
        body.extend_from_slice(format!(",\"next\":\"{next}\"").as_bytes());
    }
    body.push(b'}');
    body
}
