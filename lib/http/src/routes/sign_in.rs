//! `POST /sign-in`: a token for whoever knows the password of an account. That there is no such account takes as long,
//! and is told in the same words, as that the password is another.

use crate::body::{self, BoundedBody};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{Ports, SharedState, StateExtractor, wall_clock};
use auction_app::ingress::accounts::{Email, Password, TokenKind, fresh};
use auction_app::ports::people::accounts::{Accounts, Session};
use auction_domain::Timestamp;
use auction_wire::account::{SignInRequest, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("sign_in", "/sign-in", sign_in::<P>)
        .summary(tag::USERS, "Get a token")
        .about("The token stands for the user until it expires, he signs out, or his account is deleted.")
        .by_everybody()
        // A password is hashed.
        .costs(10)
        .body::<SignInRequest>(true)
        .answers::<SignedIn>(200, "The token.")
        .problems(&[&requests::WRONG_CREDENTIALS])
        .needs_servers()
}

async fn sign_in<P: Ports>(
    State(portal): StateExtractor<P>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Json<SignedIn>, Problem> {
    let request: SignInRequest = body::read(&headers, &body)?;
    let invalid = |at: &str, problem: String| Problem::invalid(vec![(at.to_owned(), problem)]);
    let email = Email::new(request.email).map_err(|error| invalid("email", error.to_string()))?;
    let password =
        Password::given(request.password).map_err(|error| invalid("password", error.to_string()))?;
    let found = portal.accounts.credentials(email.as_str()).await?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let is_his = portal.passwords.verify(password, hash).await?;
    let wrong = || Problem::of(&requests::WRONG_CREDENTIALS);
    let found = found.filter(|_| is_his).ok_or_else(wrong)?;
    let (token, hash) = fresh(TokenKind::Session)?;
    let now = wall_clock();
    let lasts = i64::try_from(portal.settings.session.as_millis()).unwrap_or(i64::MAX);
    let expires_at = Timestamp(now.0.saturating_add(lasts));
    let session = Session { token: hash, user: found.user, created_at: now, expires_at };
    if !portal.accounts.open_session(&session).await? {
        return Err(wrong());
    }
    let (user, role) = (found.user.0, found.role.name().to_owned());
    Ok(Json(SignedIn { token, expires_at: expires_at.into(), user, role }))
}
