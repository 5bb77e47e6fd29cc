//! `GET /auctions`: auctions whose result is not declared yet, those that end first, first; or closed or
//! cancelled ones, the newest end first.

use super::paging::{DEFAULT_LIMIT, body, invalid, limit, members, read_limit, read_model, unknown};
use crate::consistency::{Consistency, Of, Read};
use crate::description::schemas::{in_query, one_of, text};
use crate::description::{Endpoint, tag};
use crate::portal::{Ports, Shared, SharedPortal};
use crate::problem::Problem;
use crate::problem::kinds::requests;
use auction_app::ports::view_store::Views;
use auction_domain::{AuctionId, Timestamp};
use auction_wire::view::{AuctionList, AuctionStatus};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

/// One page.
struct Page {
    status: AuctionStatus,
    limit: usize,
    after: Option<(Timestamp, AuctionId)>,
}

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedPortal<P>> {
    Endpoint::get("list_auctions", "/auctions", list_auctions::<P>)
        .summary(tag::AUCTIONS, "List auctions")
        .about(
            "Those whose result is not declared, those that end first, first; others the newest end first.",
        )
        .takes(in_query("status", one_of(&["open", "closed", "cancelled"]), "Which; `open` if not said."))
        .takes(limit())
        .takes(in_query("after", text(), "From `next` of the page before."))
        .answers::<AuctionList>(200, "One page.")
        .problems(&[&requests::INVALID_REQUEST])
        .reads_a_view()
}

async fn list_auctions<P: Ports>(
    State(portal): Shared<P>,
    consistency: Consistency,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let page = Page::read(query.as_deref())?;
    let listed = || portal.views.listed(page.status, page.after, page.limit);
    let Read { shown: listed, token } = consistency.read(&portal, Of::All, listed).await?;
    let next = listed.next.map(|place| page.next(place));
    let lines = listed.lines.into_iter().map(|line| line.json);
    Ok(read_model(body("{\"auctions\":[", lines, next), token))
}

impl Page {
    fn read(query: Option<&str>) -> Result<Page, Problem> {
        let mut page = Page { status: AuctionStatus::Open, limit: DEFAULT_LIMIT, after: None };
        for (name, value) in members(query) {
            match name {
                "limit" => page.limit = read_limit(value)?,
                "after" => match read_place(value) {
                    Some(place) => page.after = Some(place),
                    None => return Err(invalid("after", "must be taken from `next` of another page")),
                },
                "status" => match AuctionStatus::ALL.into_iter().find(|status| status.name() == value) {
                    Some(status) => page.status = status,
                    None => return Err(invalid("status", "must be `open`, `closed` or `cancelled`")),
                },
                other => return Err(unknown(other, "`status`, `limit`, `after` and `consistency`")),
            }
        }
        Ok(page)
    }

    fn next(&self, (ends_at, auction): (Timestamp, AuctionId)) -> String {
        let (status, limit) = (self.status.name(), self.limit);
        format!("/auctions?status={status}&limit={limit}&after={}_{auction}", ends_at.0)
    }
}

fn read_place(text: &str) -> Option<(Timestamp, AuctionId)> {
    let (ends_at, auction) = text.split_once('_')?;
    Some((Timestamp(ends_at.parse().ok()?), AuctionId(Uuid::try_parse(auction).ok()?)))
}
