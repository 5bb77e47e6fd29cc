//! `GET /account`: personal data of the caller. Only the user can read it. It is stored in one table and in
//! no read model.

use crate::access::Access;
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::SharedState;
use auction_wire::account::AccountView;
use axum::Json;
use axum::extract::State;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("show_account", "/account", show_account)
        .summary(tag::USERS, "Show your account")
        .description("Name, e-mail address and role. Only you can read them.")
        .access(Access::Bidder)
        .response::<AccountView>(200, "Your account.")
        .problems(&[&requests::NO_ACCOUNT])
        .needs_backends()
}

async fn show_account(
    State(portal): State<SharedState>,
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
