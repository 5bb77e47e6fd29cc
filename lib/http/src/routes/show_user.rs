//! `GET /user/{id}`: an account, for its user or an operator. Of a deleted one only that it was is left.

use super::paging::{members, unknown};
use super::{InPath, unknown_user, user_in};
use crate::caller::ActingAs;
use crate::consistency::{CONSISTENCY_TOKEN, Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::read_model::{CacheScope, ReadModel, Representation};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::views::read_models::ReadModelReader;
use auction_wire::view::UserView;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_user", "/user/{id}", show_user::<P>)
        .summary(tag::USERS, "Show an account")
        .about("To its user or an operator. Of a deleted one only that it was is left.")
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .answers::<UserView>(200, "The account.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
        .reads_a_view()
}

async fn show_user<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    consistency: Consistency,
    InPath(user): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    if let Some((other, _)) = members(query.as_deref()).next() {
        return Err(unknown(other, "`consistency`"));
    }
    let partition = portal.partitions.of(user.0);
    let view = |_| portal.views.user(partition, user);
    let ConsistentRead { shown, fresh, .. } =
        consistency.read(&portal, PartitionScope::One(partition), view).await?;
    let none = || unknown_user().with_header(CONSISTENCY_TOKEN, fresh.token.clone());
    let shown = Representation::new(shown.ok_or_else(none)?);
    Ok(ReadModel { shown, fresh, whose: CacheScope::Private }.into_response())
}
