//! `POST /sign-out`: a token is not good any more, or none of the user's is. Every ingress is told.

use crate::access::{AuthMethod, Principal};
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::people::accounts::Accounts;
use auction_app::ports::people::tokens::{Revocation, Revocations};
use auction_wire::account::SignOutRequest;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("sign_out", "/sign-out", sign_out::<P>)
        .summary(tag::USERS, "Give a token back")
        .about("Or all tokens of the user, `everywhere`.")
        .by_a_user()
        .body::<SignOutRequest>(false)
        .answers_with_nothing(204, "It is not good any more.")
        .needs_servers()
}

async fn sign_out<P: Ports>(
    State(portal): StateExtractor<P>,
    who: Principal,
    Caller(user): Caller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<StatusCode, Problem> {
    let request: SignOutRequest = body::read(&headers, &body)?;
    let revoked = match (request.everywhere, who.by) {
        (true, _) => {
            portal.accounts.close_sessions(user).await?;
            Revocation::User(user)
        }
        (false, AuthMethod::Session(token)) => {
            portal.accounts.close_session(token).await?;
            Revocation::Token(token)
        }
        // Whoever acts for the user has no token of his.
        (false, _) => return Ok(StatusCode::NO_CONTENT),
    };
    portal.tokens.revoked(revoked);
    // An ingress that hears nothing finds out when it looks again.
    if let Err(error) = portal.revocations.publish(&[revoked]).await {
        tracing::warn!(%error, "nobody was told that a token ended");
    }
    Ok(StatusCode::NO_CONTENT)
}
