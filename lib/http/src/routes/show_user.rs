//! `GET /user/{id}`: the read model of a user. Nothing but the id and the deletion is left of a deleted user.

use super::paging::{parameters, unknown};
use super::{InPath, unknown_user, user_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::consistency::{CONSISTENCY_TOKEN, Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::read_model::{CacheScope, ReadModel, Representation};
use crate::state::SharedState;
use auction_wire::view::UserView;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("show_user", "/user/{id}", show_user)
        .summary(tag::USERS, "Show a user")
        .description("Only the user and operators can read it. A deleted user is shown as deleted.")
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .response::<UserView>(200, "The user.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
        .reads_read_model()
}

async fn show_user(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    consistency: Consistency,
    InPath(user): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    if let Some((other, _)) = parameters(query.as_deref()).next() {
        return Err(unknown(other, "`consistency`"));
    }
    let partition = portal.partitions.of(user.0);
    let view = |_| portal.views.user(partition, user);
    let ConsistentRead { value, freshness, .. } =
        consistency.read(&portal, PartitionScope::One(partition), view).await?;
    let none = || unknown_user().with_header(CONSISTENCY_TOKEN, freshness.token.clone());
    let representation = Representation::new(value.ok_or_else(none)?);
    Ok(ReadModel { representation, freshness, scope: CacheScope::Private }.into_response())
}
