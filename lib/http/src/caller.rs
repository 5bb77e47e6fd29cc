//! Who is calling, as endpoints want to know it, and what comes with every command. The guard of the endpoint
//! ([`crate::access`]) has found out, and let in nobody who may not.

use crate::access::{Principal, unknown};
use crate::problem::Problem;
use auction_app::ingress::accounts::Role;
use auction_domain::{Actor, UserId};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

/// The user who calls; a request without one is refused.
#[derive(Clone, Copy, Debug)]
pub struct Caller(pub UserId);

/// The user who calls, if anybody says who it is.
#[derive(Clone, Copy, Debug)]
pub struct MaybeCaller(pub Option<UserId>);

/// Somebody of the house calls; anybody else is refused. Which user it is may be known along with it.
#[derive(Clone, Copy, Debug)]
pub struct Operator(pub Option<UserId>);

/// Who acts, where both a user and the house may: the house if the caller is an operator, else the user who
/// calls. A request by neither is refused.
#[derive(Clone, Copy, Debug)]
pub struct ActingAs(pub Actor);

/// Nobody, where no guard has looked.
fn who(parts: &Parts) -> Principal {
    parts.extensions.get().copied().unwrap_or(Principal::ANONYMOUS)
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Principal, Problem> {
        Ok(who(parts))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Operator, Problem> {
        let who = who(parts);
        if who.role == Some(Role::Operator) { Ok(Operator(who.user)) } else { Err(unknown(&who)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ActingAs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<ActingAs, Problem> {
        if who(parts).role == Some(Role::Operator) {
            return Ok(ActingAs(Actor::Operator));
        }
        let Caller(user) = Caller::from_request_parts(parts, state).await?;
        Ok(ActingAs(Actor::User(user)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<MaybeCaller, Problem> {
        Ok(MaybeCaller(who(parts).user))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let who = who(parts);
        who.user.map(Caller).ok_or_else(|| unknown(&who))
    }
}

impl Caller {
    /// The problem of a request that needs a caller and has none.
    pub fn unknown() -> Problem {
        unknown(&Principal::ANONYMOUS)
    }
}

/// `traceparent` by W3C Trace Context, if it looks like one; else empty.
pub fn trace(headers: &HeaderMap) -> String {
    let value = headers.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plausible = value.len() == 55 && value.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit());
    if plausible { value.to_owned() } else { String::new() }
}
