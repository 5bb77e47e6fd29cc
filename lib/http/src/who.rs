//! Who calls, and who may call what: the one table there is. The guard of every endpoint asks it, its description says
//! it, and `docs/who-may-do-what.md` is made of it.

use crate::problem::Problem;
use crate::problem::kinds::{Kind, requests};
use auction_app::ingress::accounts::{Role, TokenHash};
use auction_domain::UserId;
use std::num::NonZeroU32;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// The user, if it is one, or if somebody acts for one.
    pub user: Option<UserId>,
    /// As what; nothing if nobody calls, or a service that acts for nobody.
    pub role: Option<Role>,
    /// Whence that is known.
    pub by: By,
}

/// Whence it is known who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Nobody says anything.
    Nothing,
    /// A gateway in front has authenticated him.
    Gateway,
    /// He signed in, and has this token.
    Session(TokenHash),
    /// A program has a service key.
    ServiceKey {
        /// Of the key.
        key: TokenHash,
        /// So many requests a second are its own limit, if it has one.
        per_second: Option<NonZeroU32>,
    },
}

impl Who {
    /// Nobody.
    pub const NOBODY: Who = Who { user: None, role: None, by: By::Nothing };

    /// Whether it is somebody who may act for users: a gateway, or a program.
    fn is_service(&self) -> bool {
        matches!(self.by, By::Gateway | By::ServiceKey { .. })
    }
}

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// Whoever it is: nobody looks.
    Everybody,
    /// Whoever it is; who says that he is somebody, is that one.
    Anybody,
    /// Every user.
    Bidders,
    /// Users who may offer things.
    Sellers,
    /// Every user, and somebody of the house without being one.
    UsersAndOperators,
    /// Somebody of the house.
    Operators,
    /// Who may act for users, and somebody of the house.
    Services,
}

impl May {
    /// Passes whoever may.
    pub(crate) fn check(self, who: &Who) -> Result<(), Problem> {
        let operator = who.role == Some(Role::Operator);
        match self {
            May::Everybody | May::Anybody => Ok(()),
            May::UsersAndOperators if operator => Ok(()),
            May::Bidders | May::UsersAndOperators => user(who),
            May::Sellers => {
                user(who)?;
                at_least(who, Role::Seller, &requests::SELLERS_ONLY)
            }
            May::Services if who.is_service() => Ok(()),
            May::Operators | May::Services if who.by == By::Nothing => Err(unknown(who)),
            May::Operators => at_least(who, Role::Operator, &requests::OPERATORS_ONLY),
            May::Services => at_least(who, Role::Operator, &requests::SERVICES_ONLY),
        }
    }

    /// The problems of those who may not.
    pub(crate) fn problems(self) -> &'static [&'static Kind] {
        const LOOKED_AT: &[&Kind] = &[
            &requests::CALLER_UNKNOWN,
            &requests::CALLER_NOT_TRUSTED,
            &requests::INVALID_TOKEN,
            &requests::ROLE_NOT_GRANTED,
            &requests::TEMPORARILY_UNAVAILABLE,
        ];
        if self == May::Everybody { &[] } else { LOOKED_AT }
    }

    /// The problem of those whose role is not enough.
    pub(crate) fn role_problem(self) -> Option<&'static Kind> {
        match self {
            May::Sellers => Some(&requests::SELLERS_ONLY),
            May::Operators => Some(&requests::OPERATORS_ONLY),
            May::Services => Some(&requests::SERVICES_ONLY),
            May::Everybody | May::Anybody | May::Bidders | May::UsersAndOperators => None,
        }
    }
}

fn user(who: &Who) -> Result<(), Problem> {
    if who.user.is_some() { Ok(()) } else { Err(unknown(who)) }
}

fn at_least(who: &Who, role: Role, else_: &'static Kind) -> Result<(), Problem> {
    if who.role >= Some(role) { Ok(()) } else { Err(Problem::of(else_)) }
}

/// The problem of a request that needs a user and has none.
pub(crate) fn unknown(who: &Who) -> Problem {
    let detail = if who.is_service() {
        "say for whom: header X-User-Id with the id of a user"
    } else {
        "say who you are: header Authorization: Bearer with a token"
    };
    Problem::new(&requests::CALLER_UNKNOWN, detail)
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) may: May,
}

/// The table as a page.
pub(crate) fn page(rows: &[Row]) -> String {
    let token = TokenHash([0; 32]);
    let user = |role| Who { user: Some(UserId(uuid::Uuid::nil())), role: Some(role), by: By::Session(token) };
    let service = Who { by: By::ServiceKey { key: token, per_second: None }, ..Who::NOBODY };
    let callers = [Who::NOBODY, user(Role::Bidder), user(Role::Seller), user(Role::Operator), service];
    let mut page = include_str!("who/intro.md").to_owned();
    page.push_str("| method | path | nobody | bidder | seller | operator | service |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for Row { method, path, may } in rows {
        let cells = callers.iter().map(|who| match may.check(who) {
            Ok(()) => " yes |".to_owned(),
            Err(problem) => format!(" {} {} |", problem.status().as_u16(), problem.code()),
        });
        page.push_str(&format!("| {method} | `{path}` |{}\n", cells.collect::<String>()));
    }
    page
}
