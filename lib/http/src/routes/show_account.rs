//! `GET /account`: what is known of the caller. To nobody else, and from no view: it lies in one table.

use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::people::accounts::Accounts;
use auction_wire::account::AccountView;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_account", "/account", show_account::<P>)
        .summary(tag::USERS, "Show what is known of one")
        .about("Name, address and role, to their user alone.")
        .by_a_user()
        .answers::<AccountView>(200, "What is known.")
        .problems(&[&requests::NO_ACCOUNT])
        .needs_servers()
}

async fn show_account<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(user): Caller,
) -> Result<Json<AccountView>, Problem> {
    let profile = portal.accounts.profile(user).await?;
    let profile = profile.ok_or_else(|| Problem::of(&requests::NO_ACCOUNT))?;
    Ok(Json(AccountView {
        user: user.0,
        email: profile.email,
        name: profile.name,
        role: profile.role.name().to_owned(),
        created_at: profile.created_at.into(),
    }))
}
