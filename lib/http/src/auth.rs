//! Authentication, rate limiting and authorization of every endpoint. Tokens of recent callers are cached:
//! their requests wait for no backend.

use crate::access::{Access, AuthMethod, Principal};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::rate_limits::{too_many_requests, write_headers};
use crate::state::{IngressState, SharedState, wall_clock};
use auction_app::ingress::accounts::CacheLookup;
use auction_app::ingress::rate_limit::RateLimitDecision;
use auction_app::ports::people::{PrincipalKind, Role, TokenHash, TokenIdentity};
use auction_domain::UserId;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::num::NonZeroU32;
use std::pin::Pin;
use uuid::Uuid;

const USER: &str = "x-user-id";
const ROLE: &str = "x-user-role";

/// Future of a response, as returned by handlers.
type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Result of authenticating a request by its headers.
pub(crate) enum AuthState {
    Authenticated(Principal),
    /// The token is not cached: look it up in the token cache.
    TokenPending(TokenHash),
}

impl IngressState {
    /// Authenticates a request by its headers, without waiting.
    fn authenticate(&self, headers: &HeaderMap) -> Result<AuthState, Problem> {
        let trusted = self.settings.trust_gateway_user_header;
        let has_identity = headers.contains_key(USER) || headers.contains_key(ROLE);
        if trusted && has_identity {
            // Ignores Authorization: a gateway may forward credentials of its own.
            return on_behalf(headers, Role::Operator, AuthMethod::Gateway).map(AuthState::Authenticated);
        }
        let Some(token) = headers.get(header::AUTHORIZATION).and_then(bearer) else {
            return match (trusted, has_identity) {
                (true, _) => Ok(AuthState::Authenticated(Principal {
                    auth_method: AuthMethod::Gateway,
                    ..Principal::ANONYMOUS
                })),
                (false, true) => Err(untrusted_identity_header()),
                (false, false) => Ok(AuthState::Authenticated(Principal::ANONYMOUS)),
            };
        };
        let token = TokenHash::of(token).ok_or_else(invalid_token)?;
        match self.tokens.get(token, wall_clock()) {
            CacheLookup::Valid(identity) => principal(token, identity, headers).map(AuthState::Authenticated),
            CacheLookup::LookupRequired => Ok(AuthState::TokenPending(token)),
        }
    }
}

/// Returns whether the credentials of an ongoing response are still valid: its token may have expired or been
/// revoked. Returns `true` if the token cannot be looked up.
pub(crate) async fn is_still_valid(portal: &IngressState, auth_method: AuthMethod) -> bool {
    let (AuthMethod::Session(token) | AuthMethod::ApiKey { key: token, .. }) = auth_method else {
        return true;
    };
    match portal.tokens.get(token, wall_clock()) {
        CacheLookup::Valid(_) => true,
        CacheLookup::LookupRequired => {
            portal.tokens.look_up(token, wall_clock()).await.map_or(true, |identity| identity.is_some())
        }
    }
}

/// Returns the token of `Bearer <token>` (RFC 6750); `None` for other schemes, which are ignored.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the caller with this token: the user of a session, or the user that a program acts for.
fn principal(token: TokenHash, identity: TokenIdentity, headers: &HeaderMap) -> Result<Principal, Problem> {
    match identity.principal {
        PrincipalKind::Service { per_second } => {
            on_behalf(headers, identity.role, AuthMethod::ApiKey { key: token, per_second })
        }
        PrincipalKind::User(user) => {
            if user_header(headers)?.is_some_and(|other| other != user) {
                return Err(untrusted_identity_header());
            }
            let role = role_header(headers, identity.role)?.unwrap_or(identity.role);
            let auth_method = AuthMethod::Session(token);
            Ok(Principal { user: Some(user), role: Some(role), auth_method })
        }
    }
}

/// Returns the user and role that a gateway or a program acts for, by its headers. The role is at most
/// `max_role`.
fn on_behalf(headers: &HeaderMap, max_role: Role, auth_method: AuthMethod) -> Result<Principal, Problem> {
    let user = user_header(headers)?;
    let role = match (role_header(headers, max_role)?, user) {
        (Some(role), Some(_)) => Some(role),
        // Only operators can act without a user.
        (Some(role), None) => Some(role).filter(|role| *role == Role::Operator),
        (None, Some(_)) => Some(max_role.min(Role::Seller)),
        (None, None) => None,
    };
    Ok(Principal { user, role, auth_method })
}

fn user_header(headers: &HeaderMap) -> Result<Option<UserId>, Problem> {
    let Some(user) = headers.get(USER) else { return Ok(None) };
    let user = user.to_str().ok().and_then(|user| Uuid::try_parse(user).ok());
    let invalid = || Problem::new(&requests::AUTHENTICATION_REQUIRED, "X-User-Id must be a user id, a UUID");
    user.map(|user| Some(UserId(user))).ok_or_else(invalid)
}

/// Returns the role in `X-User-Role`. Unknown roles are ignored: a gateway may have roles of its own.
fn role_header(headers: &HeaderMap, max_role: Role) -> Result<Option<Role>, Problem> {
    let requested = headers.get(ROLE).and_then(|role| role.to_str().ok()?.parse::<Role>().ok());
    match requested {
        Some(role) if role > max_role => {
            let detail = format!("the token allows the role {}, not {}", max_role.name(), role.name());
            Err(Problem::new(&requests::ROLE_NOT_GRANTED, detail))
        }
        requested => Ok(requested),
    }
}

fn untrusted_identity_header() -> Problem {
    let detail = "X-User-Id and X-User-Role are accepted with an API key, or from a gateway that authenticates \
                  callers and sets these headers itself (setting trust_gateway_user_header)";
    Problem::new(&requests::UNTRUSTED_IDENTITY_HEADER, detail)
}

/// Returns the problem of a token that is malformed, unknown, expired or revoked (RFC 6750). The answer does
/// not say which.
fn invalid_token() -> Problem {
    const INVALID: &str = "Bearer realm=\"auction portal\", error=\"invalid_token\"";
    Problem::of(&requests::INVALID_TOKEN)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(INVALID))
}

/// Handler with authentication, rate limiting and authorization.
#[derive(Clone)]
pub(crate) struct Authorized<H> {
    pub(crate) handler: H,
    pub(crate) access: Access,
    /// Number of requests that a call counts as; `None` exempts the endpoint from rate limiting.
    pub(crate) rate_cost: Option<NonZeroU32>,
}

impl<H, T> Handler<T, SharedState> for Authorized<H>
where
    H: Handler<T, SharedState, Future = ResponseFuture>,
    T: 'static,
{
    type Future = ResponseFuture;

    fn call(self, request: Request, state: SharedState) -> ResponseFuture {
        let auth = match self.access {
            Access::Public => Ok(AuthState::Authenticated(Principal::ANONYMOUS)),
            _ => state.authenticate(request.headers()),
        };
        let (Some(limits), Some(cost)) = (&state.rate_limits, self.rate_cost) else {
            return self.authorize(auth, request, state);
        };
        // A caller with an unknown token is limited by IP address, which limits the lookups of tokens as
        // well.
        let caller =
            if let Ok(AuthState::Authenticated(caller)) = auth { caller } else { Principal::ANONYMOUS };
        let keys = limits.keys(&caller, &request);
        Box::pin(async move {
            let decision = match &state.rate_limits {
                Some(limits) => limits.check(&keys, cost).await,
                None => RateLimitDecision::NotCounted,
            };
            let (statuses, mut response) = match decision {
                RateLimitDecision::NotCounted => return self.authorize(auth, request, state).await,
                RateLimitDecision::Allowed(statuses) => {
                    (statuses, self.authorize(auth, request, state).await)
                }
                RateLimitDecision::Refused { status: statuses, retry_after } => {
                    (statuses, too_many_requests(&statuses, retry_after).into_response())
                }
            };
            write_headers(response.headers_mut(), &statuses);
            response
        })
    }
}

impl<H> Authorized<H> {
    fn authorize<T>(
        self,
        auth: Result<AuthState, Problem>,
        request: Request,
        state: SharedState,
    ) -> ResponseFuture
    where
        H: Handler<T, SharedState, Future = ResponseFuture>,
        T: 'static,
    {
        match auth {
            Ok(AuthState::Authenticated(_)) if self.access == Access::Public => {
                self.handler.call(request, state)
            }
            Ok(AuthState::Authenticated(caller)) => self.call_handler(caller, request, state),
            Err(problem) => ready(problem),
            Ok(AuthState::TokenPending(token)) => Box::pin(async move {
                let caller = match state.tokens.look_up(token, wall_clock()).await {
                    Ok(Some(identity)) => principal(token, identity, request.headers()),
                    Ok(None) => Err(invalid_token()),
                    Err(error) => Err(error.into()),
                };
                match caller {
                    Ok(caller) => self.call_handler(caller, request, state).await,
                    Err(problem) => problem.into_response(),
                }
            }),
        }
    }

    fn call_handler<T>(self, caller: Principal, mut request: Request, state: SharedState) -> ResponseFuture
    where
        H: Handler<T, SharedState, Future = ResponseFuture>,
    {
        if let Err(problem) = self.access.check(&caller) {
            return ready(problem);
        }
        request.extensions_mut().insert(caller);
        self.handler.call(request, state)
    }
}

fn ready(problem: Problem) -> ResponseFuture {
    Box::pin(std::future::ready(problem.into_response()))
}
