//! `PUT /notifications/read`: marks all notifications up to a cursor as read.

use super::list_notifications::{read_cursor, write_cursor};
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::state::SharedState;
use auction_wire::notification::{MarkReadRequest, MarkedRead};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::put("mark_read", "/notifications/read", mark_read)
        .summary(tag::NOTIFICATIONS, "Mark notifications as read")
        .access(Access::Bidder)
        .body::<MarkReadRequest>(true)
        .response::<MarkedRead>(200, "The cursor and the number of unread notifications.")
        .needs_backends()
}

async fn mark_read(
    State(portal): State<SharedState>,
    Caller(user): Caller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Json<MarkedRead>, Problem> {
    let request: MarkReadRequest = body::read(&headers, &body)?;
    let invalid = || {
        Problem::invalid(vec![("read_through".to_owned(), "must be a `cursor` from a response".to_owned())])
    };
    let read_through = read_cursor(&request.read_through).ok_or_else(invalid)?;
    let (read_through, unread) = portal.inbox.mark_read(user, read_through).await?;
    Ok(Json(MarkedRead { read_through: write_cursor(read_through), unread }))
}
