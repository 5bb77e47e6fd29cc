//! `POST /sign-in`: issues a session token for an e-mail address and a password. An unknown address and a
//! wrong password have the same response and take the same time, so that addresses cannot be probed.

use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{SharedState, wall_clock};
use auction_app::ports::people::accounts::Session;
use auction_app::ports::people::{Email, Password, TokenKind, new_token};
use auction_domain::Timestamp;
use auction_wire::account::{SignInRequest, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("sign_in", "/sign-in", sign_in)
        .summary(tag::USERS, "Sign in")
        .description(
            "Returns a session token. The token is valid until it expires, the user signs out or the \
             account is deleted.",
        )
        .access(Access::Public)
        // Hashing the password is expensive.
        .rate_cost(10)
        .body::<SignInRequest>(true)
        .response::<SignedIn>(200, "Session token.")
        .problems(&[&requests::INVALID_CREDENTIALS])
        .needs_backends()
}

async fn sign_in(
    State(portal): State<SharedState>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Json<SignedIn>, Problem> {
    let request: SignInRequest = body::read(&headers, &body)?;
    let invalid = |at: &str, problem: String| Problem::invalid(vec![(at.to_owned(), problem)]);
    let email = Email::new(request.email).map_err(|error| invalid("email", error.to_string()))?;
    let password =
        Password::for_sign_in(request.password).map_err(|error| invalid("password", error.to_string()))?;
    let credentials = portal.accounts.credentials(email.as_str()).await?;
    let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let is_correct = portal.passwords.verify(password, hash).await?;
    let wrong = || Problem::of(&requests::INVALID_CREDENTIALS);
    let credentials = credentials.filter(|_| is_correct).ok_or_else(wrong)?;
    let (token, hash) = new_token(TokenKind::Session)?;
    let now = wall_clock();
    let ttl = i64::try_from(portal.settings.session_ttl.as_millis()).unwrap_or(i64::MAX);
    let expires_at = Timestamp(now.0.saturating_add(ttl));
    let session = Session { token: hash, user: credentials.user, created_at: now, expires_at };
    if !portal.accounts.open_session(&session).await? {
        return Err(wrong());
    }
    let (user, role) = (credentials.user.0, credentials.role.name().to_owned());
    Ok(Json(SignedIn { token, expires_at: expires_at.into(), user, role }))
}
