//! `POST /sign-in` issues a session token for an e-mail address and a password. An unknown address and a wrong
//! password have the same response and take the same time, so that addresses cannot be probed.
//! `POST /sign-out` revokes the token of the request or all session tokens of the user, at every ingress.
//! `GET /account` returns the personal data of the caller. Only the user can read it. It is stored in one
//! table and in no read model.

use crate::access::{Access, AuthMethod, Principal};
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{SharedState, wall_clock};
use auction_app::ports::people::accounts::Session;
use auction_app::ports::people::tokens::Revocation;
use auction_app::ports::people::{Email, Password, TokenKind, new_token};
use auction_domain::Timestamp;
use auction_wire::account::{AccountView, SignInRequest, SignOutRequest, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

pub(super) fn sign_in_endpoint() -> Endpoint {
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

pub(super) fn sign_out_endpoint() -> Endpoint {
    Endpoint::post("sign_out", "/sign-out", sign_out)
        .summary(tag::USERS, "Sign out")
        .description(
            "Revokes the token of the request. With `all_sessions`, revokes all session tokens of the user.",
        )
        .access(Access::Bidder)
        .body::<SignOutRequest>(false)
        .empty_response(204, "The token is revoked.")
}

pub(super) fn account_endpoint() -> Endpoint {
    Endpoint::get("show_account", "/account", show_account)
        .summary(tag::USERS, "Show your account")
        .description("Name, e-mail address and role. Only you can read them.")
        .access(Access::Bidder)
        .response::<AccountView>(200, "Your account.")
        .problems(&[&requests::NO_ACCOUNT])
}

async fn sign_in(State(portal): State<SharedState>, body: BoundedBody) -> Result<Json<SignedIn>, Problem> {
    let request: SignInRequest = body.read()?;
    let email = Email::new(request.email).map_err(|error| body::invalid("email", error))?;
    let password =
        Password::for_sign_in(request.password).map_err(|error| body::invalid("password", error))?;
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

async fn sign_out(
    State(portal): State<SharedState>,
    who: Principal,
    Caller(user): Caller,
    body: BoundedBody,
) -> Result<StatusCode, Problem> {
    let request: SignOutRequest = body.read()?;
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
