//! Who calls, and who may call what: the one table there is. The guard of every endpoint asks it, its description says
//! it, and `docs/who-may-do-what.md` is made of it.

use crate::problem::Problem;
use crate::problem::types::{ProblemType, requests};
use auction_app::ingress::accounts::{Role, TokenHash};
use auction_domain::UserId;
use std::num::NonZeroU32;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user, if it is one, or if somebody acts for one.
    pub user: Option<UserId>,
    /// As what; nothing if nobody calls, or a service that acts for nobody.
    pub role: Option<Role>,
    /// Whence that is known.
    pub by: AuthMethod,
}

/// Whence it is known who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// Nobody says anything.
    None,
    /// A gateway in front has authenticated him.
    Gateway,
    /// He signed in, and has this token.
    Session(TokenHash),
    /// A program has a service key.
    ApiKey {
        /// Of the key.
        key: TokenHash,
        /// So many requests a second are its own limit, if it has one.
        per_second: Option<NonZeroU32>,
    },
}

impl Principal {
    /// Nobody.
    pub const ANONYMOUS: Principal = Principal { user: None, role: None, by: AuthMethod::None };

    /// Whether it is somebody who may act for users: a gateway, or a program.
    fn is_service(&self) -> bool {
        matches!(self.by, AuthMethod::Gateway | AuthMethod::ApiKey { .. })
    }
}

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever it is: nobody looks.
    Public,
    /// Whoever it is; who says that he is somebody, is that one.
    OptionalUser,
    /// Every user.
    Bidder,
    /// Users who may offer things.
    Seller,
    /// Every user, and somebody of the house without being one.
    UserOrOperator,
    /// Somebody of the house.
    Operator,
    /// Who may act for users, and somebody of the house.
    Service,
}

impl Access {
    /// Passes whoever may.
    pub(crate) fn check(self, who: &Principal) -> Result<(), Problem> {
        let operator = who.role == Some(Role::Operator);
        match self {
            Access::Public | Access::OptionalUser => Ok(()),
            Access::UserOrOperator if operator => Ok(()),
            Access::Bidder | Access::UserOrOperator => user(who),
            Access::Seller => {
                user(who)?;
                at_least(who, Role::Seller, &requests::SELLERS_ONLY)
            }
            Access::Service if who.is_service() => Ok(()),
            Access::Operator | Access::Service if who.by == AuthMethod::None => Err(unknown(who)),
            Access::Operator => at_least(who, Role::Operator, &requests::OPERATORS_ONLY),
            Access::Service => at_least(who, Role::Operator, &requests::SERVICES_ONLY),
        }
    }

    /// The problems of those who may not.
    pub(crate) fn problems(self) -> &'static [&'static ProblemType] {
        const LOOKED_AT: &[&ProblemType] = &[
            &requests::CALLER_UNKNOWN,
            &requests::CALLER_NOT_TRUSTED,
            &requests::INVALID_TOKEN,
            &requests::ROLE_NOT_GRANTED,
            &requests::TEMPORARILY_UNAVAILABLE,
        ];
        if self == Access::Public { &[] } else { LOOKED_AT }
    }

    /// The problem of those whose role is not enough.
    pub(crate) fn role_problem(self) -> Option<&'static ProblemType> {
        match self {
            Access::Seller => Some(&requests::SELLERS_ONLY),
            Access::Operator => Some(&requests::OPERATORS_ONLY),
            Access::Service => Some(&requests::SERVICES_ONLY),
            Access::Public | Access::OptionalUser | Access::Bidder | Access::UserOrOperator => None,
        }
    }
}

fn user(who: &Principal) -> Result<(), Problem> {
    if who.user.is_some() { Ok(()) } else { Err(unknown(who)) }
}

fn at_least(who: &Principal, role: Role, else_: &'static ProblemType) -> Result<(), Problem> {
    if who.role >= Some(role) { Ok(()) } else { Err(Problem::of(else_)) }
}

/// The problem of a request that needs a user and has none.
pub(crate) fn unknown(who: &Principal) -> Problem {
    let detail = if who.is_service() {
        "say for whom: header X-User-Id with the id of a user"
    } else {
        "say who you are: header Authorization: Bearer with a token"
    };
    Problem::new(&requests::CALLER_UNKNOWN, detail)
}

/// A row of the table.
pub(crate) struct AccessRow {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) may: Access,
}

/// The table as a page.
pub(crate) fn render_page(rows: &[AccessRow]) -> String {
    let token = TokenHash([0; 32]);
    let user = |role| Principal {
        user: Some(UserId(uuid::Uuid::nil())),
        role: Some(role),
        by: AuthMethod::Session(token),
    };
    let service =
        Principal { by: AuthMethod::ApiKey { key: token, per_second: None }, ..Principal::ANONYMOUS };
    let callers =
        [Principal::ANONYMOUS, user(Role::Bidder), user(Role::Seller), user(Role::Operator), service];
    let mut page = include_str!("access/intro.md").to_owned();
    page.push_str("| method | path | nobody | bidder | seller | operator | service |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for AccessRow { method, path, may } in rows {
        let cells = callers.iter().map(|who| match may.check(who) {
            Ok(()) => " yes |".to_owned(),
            Err(problem) => format!(" {} {} |", problem.status().as_u16(), problem.code()),
        });
        page.push_str(&format!("| {method} | `{path}` |{}\n", cells.collect::<String>()));
    }
    page
}
