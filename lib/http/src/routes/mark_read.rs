//! `PUT /notifications/read`: everything up to a place is read.

use super::list_notifications::{read, write};
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_wire::notification::{MarkReadRequest, MarkedRead};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::put("mark_read", "/notifications/read", mark_read::<P>)
        .summary(tag::NOTIFICATIONS, "Mark everything up to a place as read")
        .by_a_user()
        .body::<MarkReadRequest>(true)
        .answers::<MarkedRead>(200, "It is.")
        .needs_servers()
}

async fn mark_read<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(user): Caller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Json<MarkedRead>, Problem> {
    let request: MarkReadRequest = body::read(&headers, &body)?;
    let invalid =
        || Problem::invalid(vec![("up_to".to_owned(), "must be a `cursor` of an answer".to_owned())]);
    let up_to = read(&request.up_to).ok_or_else(invalid)?;
    let (up_to, unread) = portal.inbox.mark_read(user, up_to).await?;
    Ok(Json(MarkedRead { up_to: write(up_to), unread }))
}
