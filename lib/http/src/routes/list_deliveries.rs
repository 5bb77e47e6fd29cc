//! `GET /user/{id}/webhooks/{webhook}/deliveries`: deliveries of a webhook, newest first.

use super::InPath;
use super::paging::{DEFAULT_LIMIT, invalid, limit, parameters, read_limit, unknown};
use super::webhooks::{delivery_view, to_header, unknown_webhook, webhook_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::openapi::schemas::{in_path, in_query, pattern, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_wire::webhook::DeliveryList;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Sequence numbers of deliveries are below this.
const SEQ_LIMIT: u64 = 1 << 53;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("list_deliveries", "/user/{id}/webhooks/{webhook}/deliveries", list_deliveries)
        .summary(tag::NOTIFICATIONS, "List webhook deliveries")
        .description(
            "Sent and pending deliveries, newest first. Finished deliveries are deleted after the \
             retention period.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .parameter(in_path("webhook", uuid(), "Webhook id."))
        .parameter(limit())
        .parameter(in_query(
            "cursor",
            pattern("^d[0-9a-f]{1,13}$"),
            "Cursor from `next` of the previous page.",
        ))
        .response::<DeliveryList>(200, "Page of deliveries.")
        .paginated()
        .problems(&[
            &requests::INVALID_REQUEST,
            &requests::NOT_YOUR_ACCOUNT,
            &refusals::UNKNOWN_USER,
            &requests::UNKNOWN_WEBHOOK,
        ])
        .needs_backends()
}

async fn list_deliveries(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let (mut before, mut limit) = (SEQ_LIMIT, DEFAULT_LIMIT);
    for (name, value) in parameters(query.as_deref()) {
        match name {
            "limit" => limit = read_limit(value)?,
            "cursor" => {
                before = read(value).ok_or_else(|| invalid("cursor", "must be the cursor from `next`"))?
            }
            other => return Err(unknown(other, "`limit` and `cursor`")),
        }
    }
    // Reads one more than the limit to find out whether there is a next page.
    let deliveries = portal.webhooks.webhooks.deliveries(user, webhook, before, limit + 1).await?;
    let mut deliveries = deliveries.ok_or_else(unknown_webhook)?;
    let has_next = deliveries.len() > limit;
    deliveries.truncate(limit);
    let next = deliveries.last().filter(|_| has_next).map(|last| {
        format!("/user/{}/webhooks/{webhook}/deliveries?limit={limit}&cursor=d{:x}", user.0, last.seq)
    });
    let link = next.iter().map(|next| (header::LINK, to_header(&format!("<{next}>; rel=\"next\""))));
    let link: Vec<_> = link.collect();
    let list = DeliveryList { deliveries: deliveries.into_iter().filter_map(delivery_view).collect(), next };
    let mut response = Json(list).into_response();
    response.headers_mut().extend(link);
    Ok(response)
}

fn read(cursor: &str) -> Option<u64> {
    let digits = cursor.strip_prefix('d').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok().filter(|seq| *seq < SEQ_LIMIT)
}
