//! `POST /sign-out`: revokes the token of the request or all session tokens of the user, at every ingress.

use crate::access::{Access, AuthMethod, Principal};
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::state::SharedState;
use auction_app::ports::people::tokens::Revocation;
use auction_wire::account::SignOutRequest;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("sign_out", "/sign-out", sign_out)
        .summary(tag::USERS, "Sign out")
        .description(
            "Revokes the token of the request. With `all_sessions`, revokes all session tokens of the user.",
        )
        .access(Access::Bidder)
        .body::<SignOutRequest>(false)
        .empty_response(204, "The token is revoked.")
        .needs_backends()
}

async fn sign_out(
    State(portal): State<SharedState>,
    who: Principal,
    Caller(user): Caller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<StatusCode, Problem> {
    let request: SignOutRequest = body::read(&headers, &body)?;
    let revocation = match (request.all_sessions, who.auth_method) {
        (true, _) => {
            portal.accounts.close_sessions(user).await?;
            Revocation::User(user)
        }
        (false, AuthMethod::Session(token)) => {
            portal.accounts.close_session(token).await?;
            Revocation::Token(token)
        }
        // A gateway or API key acts for the user without a session token.
        (false, _) => return Ok(StatusCode::NO_CONTENT),
    };
    portal.tokens.revoke(revocation);
    // An ingress that misses the message notices the revocation when it revalidates its cached token.
    if let Err(error) = portal.revocations.publish(&[revocation]).await {
        tracing::warn!(%error, "publishing token revocation failed");
    }
    Ok(StatusCode::NO_CONTENT)
}
