//! The guard of an endpoint: finds out who calls, counts it if callers are counted, and lets him in or not. Whoever
//! called a moment ago is known, and nothing is waited for.

use crate::access::{Access, AuthMethod, Principal};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::rate_limits::{RateLimits, refused, write_headers};
use crate::state::{IngressState, Ports, SharedState, wall_clock};
use auction_app::ingress::accounts::{CacheLookup, PrincipalKind, Role, TokenHash, TokenIdentity};
use auction_app::ingress::rate_limit::RateLimitDecision;
use auction_app::ports::Unavailable;
use auction_app::ports::people::rate_limit_store::RateLimitStore;
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

/// An answer on its way, as handlers make it.
type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Where it is found out who calls.
pub trait Authenticator: Clone + Send + Sync + 'static {
    /// Where callers are counted.
    type Counters: RateLimitStore;

    /// How often they may call, if anybody counts.
    fn limits(&self) -> Option<&RateLimits<Self::Counters>>;

    /// Who calls, or the token that has to be looked up.
    fn authenticate(&self, headers: &HeaderMap) -> Result<AuthState, Problem>;

    /// What a token stands for.
    fn look_up(
        &self,
        token: TokenHash,
    ) -> impl Future<Output = Result<Option<TokenIdentity>, Unavailable>> + Send;
}

/// What a look at the headers tells.
pub enum AuthState {
    /// Who calls.
    Authenticated(Principal),
    /// Whoever has this token, which nobody here knows.
    TokenPending(TokenHash),
}

impl<P: Ports> Authenticator for SharedState<P> {
    type Counters = P::Counters;

    fn limits(&self) -> Option<&RateLimits<P::Counters>> {
        self.limits.as_ref()
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<AuthState, Problem> {
        let trusted = self.settings.trust_gateway_user_header;
        let said = headers.contains_key(USER) || headers.contains_key(ROLE);
        if trusted && said {
            // A gateway may pass on an Authorization of its own kind.
            return acting(headers, Role::Operator, AuthMethod::Gateway).map(AuthState::Authenticated);
        }
        let Some(token) = headers.get(header::AUTHORIZATION).and_then(bearer) else {
            return match (trusted, said) {
                (true, _) => Ok(AuthState::Authenticated(Principal {
                    by: AuthMethod::Gateway,
                    ..Principal::ANONYMOUS
                })),
                (false, true) => Err(not_trusted()),
                (false, false) => Ok(AuthState::Authenticated(Principal::ANONYMOUS)),
            };
        };
        let token = TokenHash::of(token).ok_or_else(invalid_token)?;
        match self.tokens.get(token, wall_clock()) {
            CacheLookup::Known(holder) => who(token, holder, headers).map(AuthState::Authenticated),
            CacheLookup::NotSure => Ok(AuthState::TokenPending(token)),
        }
    }

    async fn look_up(&self, token: TokenHash) -> Result<Option<TokenIdentity>, Unavailable> {
        self.tokens.look_up(token, wall_clock()).await
    }
}

/// Whether it is still known who calls, for answers that go on: a token may have been revoked, or have expired. What
/// cannot be looked up now is believed.
pub(crate) async fn is_still_valid<P: Ports>(portal: &IngressState<P>, by: AuthMethod) -> bool {
    let (AuthMethod::Session(token) | AuthMethod::ApiKey { key: token, .. }) = by else { return true };
    match portal.tokens.get(token, wall_clock()) {
        CacheLookup::Known(_) => true,
        CacheLookup::NotSure => {
            portal.tokens.look_up(token, wall_clock()).await.map_or(true, |holder| holder.is_some())
        }
    }
}

/// The token in `Bearer <token>` (RFC 6750). What is of another scheme is no business of ours.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who has that token. A person is himself; a program is whom it acts for.
fn who(token: TokenHash, holder: TokenIdentity, headers: &HeaderMap) -> Result<Principal, Problem> {
    match holder.who {
        PrincipalKind::Service { per_second } => {
            acting(headers, holder.role, AuthMethod::ApiKey { key: token, per_second })
        }
        PrincipalKind::User(user) => {
            if said_user(headers)?.is_some_and(|said| said != user) {
                return Err(not_trusted());
            }
            let role = said_role(headers, holder.role)?.unwrap_or(holder.role);
            Ok(Principal { user: Some(user), role: Some(role), by: AuthMethod::Session(token) })
        }
    }
}

/// Whom somebody acts for who may act for users, as what, and at most as that.
fn acting(headers: &HeaderMap, most: Role, by: AuthMethod) -> Result<Principal, Problem> {
    let user = said_user(headers)?;
    let role = match (said_role(headers, most)?, user) {
        (Some(role), Some(_)) => Some(role),
        // Somebody of the house need not be a user, everybody else is one.
        (Some(role), None) => Some(role).filter(|role| *role == Role::Operator),
        (None, Some(_)) => Some(most.min(Role::Seller)),
        (None, None) => None,
    };
    Ok(Principal { user, role, by })
}

fn said_user(headers: &HeaderMap) -> Result<Option<UserId>, Problem> {
    let Some(user) = headers.get(USER) else { return Ok(None) };
    let user = user.to_str().ok().and_then(|user| Uuid::try_parse(user).ok());
    let not_an_id = || Problem::new(&requests::CALLER_UNKNOWN, "X-User-Id must be the id of a user, a UUID");
    user.map(|user| Some(UserId(user))).ok_or_else(not_an_id)
}

/// The role that is asked for. Others than ours are no business of ours.
fn said_role(headers: &HeaderMap, most: Role) -> Result<Option<Role>, Problem> {
    let said = headers.get(ROLE).and_then(|role| role.to_str().ok()?.parse::<Role>().ok());
    match said {
        Some(role) if role > most => {
            let detail = format!("the token is good for the role {}, not for {}", most.name(), role.name());
            Err(Problem::new(&requests::ROLE_NOT_GRANTED, detail))
        }
        said => Ok(said),
    }
}

fn not_trusted() -> Problem {
    let detail = "X-User-Id and X-User-Role are believed with a service key, or from a gateway that authenticates \
                  callers and writes them itself (trust_gateway_user_header)";
    Problem::new(&requests::CALLER_NOT_TRUSTED, detail)
}

/// RFC 6750: a token was given, and it is none, or expired, or revoked. Which of these is nobody's business.
fn invalid_token() -> Problem {
    const INVALID: &str = "Bearer realm=\"auction portal\", error=\"invalid_token\"";
    Problem::of(&requests::INVALID_TOKEN)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(INVALID))
}

/// A handler behind its guard.
#[derive(Clone)]
pub(crate) struct Authorized<H> {
    /// What is guarded.
    pub(crate) handler: H,
    /// Who is let in.
    pub(crate) may: Access,
    /// For how many requests of others it counts; for none where it is not counted.
    pub(crate) cost: Option<NonZeroU32>,
}

impl<H, T, S> Handler<T, S> for Authorized<H>
where
    H: Handler<T, S, Future = Answer>,
    T: 'static,
    S: Authenticator,
{
    type Future = Answer;

    fn call(self, request: Request, state: S) -> Answer {
        let seen = match self.may {
            Access::Public => Ok(AuthState::Authenticated(Principal::ANONYMOUS)),
            _ => state.authenticate(request.headers()),
        };
        let (Some(limits), Some(cost)) = (state.limits(), self.cost) else {
            return self.authorize(seen, request, state);
        };
        // Who has to be looked up first is counted by his address, so that looking up is.
        let who = if let Ok(AuthState::Authenticated(who)) = seen { who } else { Principal::ANONYMOUS };
        let counted = limits.counted(&who, &request);
        Box::pin(async move {
            let verdict = match state.limits() {
                Some(limits) => limits.check(&counted, cost).await,
                None => RateLimitDecision::Unknown,
            };
            let (standing, mut response) = match verdict {
                RateLimitDecision::Unknown => return self.authorize(seen, request, state).await,
                RateLimitDecision::Passes(standing) => (standing, self.authorize(seen, request, state).await),
                RateLimitDecision::Refused { standing, retry_after } => {
                    (standing, refused(&standing, retry_after).into_response())
                }
            };
            write_headers(response.headers_mut(), &standing);
            response
        })
    }
}

impl<H> Authorized<H> {
    fn authorize<T, S>(self, seen: Result<AuthState, Problem>, request: Request, state: S) -> Answer
    where
        H: Handler<T, S, Future = Answer>,
        T: 'static,
        S: Authenticator,
    {
        match seen {
            Ok(AuthState::Authenticated(_)) if self.may == Access::Public => {
                self.handler.call(request, state)
            }
            Ok(AuthState::Authenticated(who)) => self.call_handler(who, request, state),
            Err(problem) => answer(problem),
            Ok(AuthState::TokenPending(token)) => Box::pin(async move {
                let who = match state.look_up(token).await {
                    Ok(Some(holder)) => who(token, holder, request.headers()),
                    Ok(None) => Err(invalid_token()),
                    Err(error) => Err(error.into()),
                };
                match who {
                    Ok(who) => self.call_handler(who, request, state).await,
                    Err(problem) => problem.into_response(),
                }
            }),
        }
    }

    fn call_handler<T, S>(self, who: Principal, mut request: Request, state: S) -> Answer
    where
        H: Handler<T, S, Future = Answer>,
    {
        if let Err(problem) = self.may.check(&who) {
            return answer(problem);
        }
        request.extensions_mut().insert(who);
        self.handler.call(request, state)
    }
}

fn answer(problem: Problem) -> Answer {
    Box::pin(std::future::ready(problem.into_response()))
}
