//! Extractors for the caller of a request, and for the trace context of commands. Authentication and
//! authorization have already taken place ([`crate::access`]).

use crate::access::{Principal, authentication_required};
use crate::problem::Problem;
use auction_app::ports::people::Role;
use auction_domain::{Actor, OperatorId, UserId};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

/// User who calls. Requests without a user are refused.
#[derive(Clone, Copy, Debug)]
pub struct Caller(pub UserId);

/// Operator who calls. Other callers are refused.
#[derive(Clone, Copy, Debug)]
pub struct Operator(pub OperatorId);

/// Actor of a command that both users and operators may send: the operator if the caller is one, else the
/// user who calls. Requests of other callers are refused.
#[derive(Clone, Copy, Debug)]
pub struct ActingAs(pub Actor);

/// Returns the caller; anonymous where no authentication took place.
fn principal(parts: &Parts) -> Principal {
    parts.extensions.get().copied().unwrap_or(Principal::ANONYMOUS)
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Principal, Problem> {
        Ok(principal(parts))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Operator, Problem> {
        let caller = principal(parts);
        match caller.role {
            Some(Role::Operator) => Ok(Operator(caller.operator())),
            _ => Err(authentication_required(&caller)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ActingAs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<ActingAs, Problem> {
        let caller = principal(parts);
        if caller.role == Some(Role::Operator) {
            return Ok(ActingAs(Actor::Operator(caller.operator())));
        }
        let Caller(user) = Caller::from_request_parts(parts, state).await?;
        Ok(ActingAs(Actor::User(user)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let caller = principal(parts);
        caller.user.map(Caller).ok_or_else(|| authentication_required(&caller))
    }
}

impl Caller {
    /// Returns the problem of a request that needs a user and has none.
    pub fn unknown() -> Problem {
        authentication_required(&Principal::ANONYMOUS)
    }
}

/// Returns the header `traceparent` (W3C Trace Context); empty if it is missing or malformed.
pub fn trace(headers: &HeaderMap) -> String {
    let value = headers.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plausible = value.len() == 55 && value.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit());
    if plausible { value.to_owned() } else { String::new() }
}
