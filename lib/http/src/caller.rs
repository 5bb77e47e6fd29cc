//! Who is calling, and what comes with every command.

use crate::portal::{Portal, Ports};
use crate::problem::Problem;
use crate::problem::kinds::requests;
use auction_domain::{Actor, UserId};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::sync::Arc;
use uuid::Uuid;

/// The user who calls; a request without one is refused.
#[derive(Clone, Copy, Debug)]
pub struct Caller(pub UserId);

/// The user who calls, if anybody says who it is.
#[derive(Clone, Copy, Debug)]
pub struct MaybeCaller(pub Option<UserId>);

/// Somebody of the house calls; anybody else is refused. Who it is (`X-User-Id`) may be said along with it.
#[derive(Clone, Copy, Debug)]
pub struct Operator(pub Option<UserId>);

/// Who acts, where both a user and the house may: the house if the caller is an operator, else the user who
/// calls. A request by neither is refused.
#[derive(Clone, Copy, Debug)]
pub struct Acting(pub Actor);

/// Passes if what a header says of the caller is to be believed.
fn trusted<P: Ports>(portal: &Portal<P>, header: &str) -> Result<(), Problem> {
    if portal.settings.trust_gateway_user_header {
        return Ok(());
    }
    let detail = format!(
        "{header} is not trusted here: set trust_gateway_user_header only behind a gateway that authenticates \
         callers and writes this header itself"
    );
    Err(Problem::new(&requests::CALLER_NOT_TRUSTED, detail))
}

/// Whether the gateway says that the caller is an operator. Other roles are no business of ours.
fn is_operator<P: Ports>(headers: &HeaderMap, portal: &Portal<P>) -> Result<bool, Problem> {
    let Some(role) = headers.get("x-user-role") else { return Ok(false) };
    trusted(portal, "X-User-Role")?;
    Ok(role == "operator")
}

impl<P: Ports> FromRequestParts<Arc<Portal<P>>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal<P>>) -> Result<Operator, Problem> {
        let MaybeCaller(user) = MaybeCaller::from_request_parts(parts, portal).await?;
        if is_operator(&parts.headers, portal)? {
            return Ok(Operator(user));
        }
        let detail = "only an operator may do this: a gateway says who is one by X-User-Role: operator";
        Err(Problem::new(&requests::OPERATORS_ONLY, detail))
    }
}

impl<P: Ports> FromRequestParts<Arc<Portal<P>>> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal<P>>) -> Result<Acting, Problem> {
        if is_operator(&parts.headers, portal)? {
            return Ok(Acting(Actor::Operator));
        }
        let Caller(user) = Caller::from_request_parts(parts, portal).await?;
        Ok(Acting(Actor::User(user)))
    }
}

impl<P: Ports> FromRequestParts<Arc<Portal<P>>> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal<P>>) -> Result<MaybeCaller, Problem> {
        let Some(user) = parts.headers.get("x-user-id") else { return Ok(MaybeCaller(None)) };
        trusted(portal, "X-User-Id")?;
        let user = user.to_str().ok().and_then(|user| Uuid::try_parse(user).ok());
        let not_an_id =
            || Problem::new(&requests::CALLER_UNKNOWN, "X-User-Id must be the id of a user, a UUID");
        let user = user.ok_or_else(not_an_id)?;
        Ok(MaybeCaller(Some(UserId(user))))
    }
}

impl<P: Ports> FromRequestParts<Arc<Portal<P>>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal<P>>) -> Result<Caller, Problem> {
        let MaybeCaller(user) = MaybeCaller::from_request_parts(parts, portal).await?;
        user.map(Caller).ok_or_else(Caller::unknown)
    }
}

impl Caller {
    /// The problem of a request that needs a caller and has none.
    pub fn unknown() -> Problem {
        let detail = "say who you are: header X-User-Id with the id of a user";
        Problem::new(&requests::CALLER_UNKNOWN, detail)
    }
}

/// `traceparent` by W3C Trace Context, if it looks like one; else empty.
pub fn trace(headers: &HeaderMap) -> String {
    let value = headers.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plausible = value.len() == 55 && value.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit());
    if plausible { value.to_owned() } else { String::new() }
}
