//! `GET /user/{id}/webhooks/{webhook}/deliveries`: what was and will be sent there.

use super::InPath;
use super::paging::{DEFAULT_LIMIT, invalid, limit, members, read_limit, unknown};
use super::webhooks::{delivery, to_header, unknown_webhook, webhook_in};
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, in_query, pattern, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::webhooks::WebhookStore;
use auction_wire::webhook::DeliveryList;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Places are below it.
const PLACES: u64 = 1 << 53;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_deliveries", "/user/{id}/webhooks/{webhook}/deliveries", list_deliveries::<P>)
        .summary(tag::NOTIFICATIONS, "List what was sent to a webhook")
        .about("And what will be, the newest first, for as long as the house keeps it.")
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .takes(in_path("webhook", uuid(), "The webhook."))
        .takes(limit())
        .takes(in_query(
            "cursor",
            pattern("^d[0-9a-f]{1,13}$"),
            "From `next` of the page before: that page goes on.",
        ))
        .answers::<DeliveryList>(200, "One page.")
        .reads_pages()
        .problems(&[
            &requests::INVALID_REQUEST,
            &requests::NOT_YOUR_ACCOUNT,
            &refusals::UNKNOWN_USER,
            &requests::UNKNOWN_WEBHOOK,
        ])
        .needs_servers()
}

async fn list_deliveries<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let (mut before, mut limit) = (PLACES, DEFAULT_LIMIT);
    for (name, value) in members(query.as_deref()) {
        match name {
            "limit" => limit = read_limit(value)?,
            "cursor" => before = read(value).ok_or_else(|| invalid("cursor", "must be from `next`"))?,
            other => return Err(unknown(other, "`limit` and `cursor`")),
        }
    }
    // One more than asked for: whether there is a next page.
    let found = portal.webhooks.webhooks.deliveries(user, webhook, before, limit + 1).await?;
    let mut found = found.ok_or_else(unknown_webhook)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| {
        format!("/user/{}/webhooks/{webhook}/deliveries?limit={limit}&cursor=d{:x}", user.0, last.seq)
    });
    let link = next.iter().map(|next| (header::LINK, to_header(&format!("<{next}>; rel=\"next\""))));
    let link: Vec<_> = link.collect();
    let list = DeliveryList { deliveries: found.into_iter().filter_map(delivery).collect(), next };
    let mut response = Json(list).into_response();
    response.headers_mut().extend(link);
    Ok(response)
}

fn read(cursor: &str) -> Option<u64> {
    let digits = cursor.strip_prefix('d').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok().filter(|place| *place < PLACES)
}
