//! Access control: the caller of a request, and the access rule of each endpoint. Authorization, the OpenAPI
//! document and the permissions page are all derived from these rules.

use crate::problem::Problem;
use crate::problem::types::{ProblemType, requests};
use auction_app::ports::people::{Role, TokenHash};
use auction_domain::{OperatorId, UserId};
use std::num::NonZeroU32;

/// Authenticated caller of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user who calls, or for whom a gateway or a program calls.
    pub user: Option<UserId>,
    /// Role of the call; `None` for anonymous callers, and for services that act for no user.
    pub role: Option<Role>,
    pub auth_method: AuthMethod,
}

/// Method by which a caller was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// The caller is anonymous.
    None,
    /// A trusted gateway authenticated the user.
    Gateway,
    /// The user sent the token of a session.
    Session(TokenHash),
    /// A program sent an API key.
    ApiKey {
        key: TokenHash,
        /// Rate limit of the key in requests per second, if it has its own.
        per_second: Option<NonZeroU32>,
    },
}

impl Principal {
    pub const ANONYMOUS: Principal = Principal { user: None, role: None, auth_method: AuthMethod::None };

    /// Returns which operator calls: the API key if a program calls, else the user.
    pub(crate) fn operator(&self) -> OperatorId {
        match (self.auth_method, self.user) {
            (AuthMethod::ApiKey { key, .. }, _) => OperatorId::ApiKey(key.id()),
            (_, Some(user)) => OperatorId::User(user),
            (_, None) => OperatorId::Unidentified,
        }
    }

    /// Returns whether the caller may act for users: a gateway or a program with an API key.
    fn is_service(&self) -> bool {
        matches!(self.auth_method, AuthMethod::Gateway | AuthMethod::ApiKey { .. })
    }
}

/// Access rule of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// All callers. Credentials are ignored.
    Public,
    /// All callers. Credentials are checked if the request has any.
    OptionalUser,
    /// All users, whatever their role.
    Bidder,
    /// Users with the role seller or operator.
    Seller,
    /// All users, and operators even without a user id.
    UserOrOperator,
    /// Callers with the role operator.
    Operator,
    /// Gateways, programs with an API key, and callers with the role operator.
    Service,
}

impl Access {
    /// Checks whether the caller may call the endpoint.
    pub(crate) fn check(self, caller: &Principal) -> Result<(), Problem> {
        let is_operator = caller.role == Some(Role::Operator);
        match self {
            Access::Public | Access::OptionalUser => Ok(()),
            Access::UserOrOperator if is_operator => Ok(()),
            Access::Bidder | Access::UserOrOperator => require_user(caller),
            Access::Seller => {
                require_user(caller)?;
                require_role(caller, Role::Seller, &requests::SELLER_ROLE_REQUIRED)
            }
            Access::Service if caller.is_service() => Ok(()),
            Access::Operator | Access::Service if caller.auth_method == AuthMethod::None => {
                Err(authentication_required(caller))
            }
            Access::Operator => require_role(caller, Role::Operator, &requests::OPERATOR_ROLE_REQUIRED),
            Access::Service => require_role(caller, Role::Operator, &requests::SERVICE_ROLE_REQUIRED),
        }
    }

    /// Returns the problems that checking the credentials can answer with.
    pub(crate) fn problems(self) -> &'static [&'static ProblemType] {
        const AUTHENTICATED: &[&ProblemType] = &[
            &requests::AUTHENTICATION_REQUIRED,
            &requests::UNTRUSTED_IDENTITY_HEADER,
            &requests::INVALID_TOKEN,
            &requests::ROLE_NOT_GRANTED,
            &requests::TEMPORARILY_UNAVAILABLE,
        ];
        if self == Access::Public { &[] } else { AUTHENTICATED }
    }

    /// Returns the problem of callers whose role is not sufficient.
    pub(crate) fn role_problem(self) -> Option<&'static ProblemType> {
        match self {
            Access::Seller => Some(&requests::SELLER_ROLE_REQUIRED),
            Access::Operator => Some(&requests::OPERATOR_ROLE_REQUIRED),
            Access::Service => Some(&requests::SERVICE_ROLE_REQUIRED),
            Access::Public | Access::OptionalUser | Access::Bidder | Access::UserOrOperator => None,
        }
    }
}

fn require_user(caller: &Principal) -> Result<(), Problem> {
    if caller.user.is_some() { Ok(()) } else { Err(authentication_required(caller)) }
}

fn require_role(caller: &Principal, role: Role, problem: &'static ProblemType) -> Result<(), Problem> {
    if caller.role >= Some(role) { Ok(()) } else { Err(Problem::of(problem)) }
}

/// Returns the problem of a request that needs a user and has none.
pub(crate) fn authentication_required(caller: &Principal) -> Problem {
    let detail = if caller.is_service() {
        "send the id of the user you act for in the header X-User-Id"
    } else {
        "send a token in the header Authorization: Bearer"
    };
    Problem::new(&requests::AUTHENTICATION_REQUIRED, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn operator_is_the_api_key_else_the_user_of_the_request() {
        let (key, user) = (TokenHash([7; 32]), UserId(Uuid::from_u128(1)));
        let api_key = AuthMethod::ApiKey { key, per_second: None };
        let operator =
            |auth_method, user| Principal { user, role: Some(Role::Operator), auth_method }.operator();
        assert_eq!(operator(api_key, Some(user)), OperatorId::ApiKey(key.id()));
        assert_eq!(operator(AuthMethod::Session(key), Some(user)), OperatorId::User(user));
        assert_eq!(operator(AuthMethod::Gateway, Some(user)), OperatorId::User(user));
        assert_eq!(operator(AuthMethod::Gateway, None), OperatorId::Unidentified);
    }
}
