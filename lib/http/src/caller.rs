//! Who is calling, and what comes with every command.

use crate::portal::{Portal, Ports};
use crate::problem::Problem;
use auction_domain::{Actor, UserId};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use std::sync::Arc;
use uuid::Uuid;

/// The user who calls; a request without one is refused.
#[derive(Clone, Copy, Debug)]
pub struct Caller(pub UserId);

/// The user who calls, if anybody says who it is.
#[derive(Clone, Copy, Debug)]
pub struct MaybeCaller(pub Option<UserId>);

impl<P: Ports> FromRequestParts<Arc<Portal<P>>> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal<P>>) -> Result<MaybeCaller, Problem> {
        let Some(user) = parts.headers.get("x-user-id") else { return Ok(MaybeCaller(None)) };
        if !portal.settings.trust_gateway_user_header {
            let detail = "X-User-Id is not trusted here: set trust_gateway_user_header only behind a gateway \
                          that authenticates callers and writes this header itself";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "caller_not_trusted", detail));
        }
        let user = user.to_str().ok().and_then(|user| Uuid::try_parse(user).ok());
        let user = user.ok_or_else(|| {
            Problem::invalid(vec![(
                "header X-User-Id".to_owned(),
                "must be the id of a user, a UUID".to_owned(),
            )])
        })?;
        Ok(MaybeCaller(Some(UserId(user))))
    }
}

impl<P: Ports> FromRequestParts<Arc<Portal<P>>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal<P>>) -> Result<Caller, Problem> {
        let MaybeCaller(user) = MaybeCaller::from_request_parts(parts, portal).await?;
        user.map(Caller).ok_or_else(|| {
            let detail = "say who you are: header X-User-Id with the id of a user";
            Problem::new(StatusCode::UNAUTHORIZED, "caller_unknown", detail)
        })
    }
}

/// A shorter key of a caller without a name could be somebody else's, too: he would get that one's account.
const SHORTEST_NAMELESS_KEY: usize = 32;

/// `Idempotency-Key`, checked: 1 to 255 visible characters, at least 32 from a caller without a name.
pub fn idempotency_key(headers: &HeaderMap, actor: Actor) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let shortest = if matches!(actor, Actor::User(_)) { 1 } else { SHORTEST_NAMELESS_KEY };
    match key.to_str() {
        Ok(key) if (shortest..=255).contains(&key.len()) => Ok(Some(key)),
        _ => {
            let problem = format!("must be {shortest} to 255 visible ASCII characters, such as a UUID");
            Err(Problem::invalid(vec![("header Idempotency-Key".to_owned(), problem)]))
        }
    }
}

/// `traceparent` by W3C Trace Context, if it looks like one; else empty.
pub fn trace(headers: &HeaderMap) -> String {
    let value = headers.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plausible = value.len() == 55 && value.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit());
    if plausible { value.to_owned() } else { String::new() }
}
