//! Roles of users and programs.

use thiserror::Error;

/// Permissions of a user or program. Each role includes the roles before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Bidder,
    Seller,
    Operator,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Bidder, Role::Seller, Role::Operator];

    pub fn name(self) -> &'static str {
        match self {
            Role::Bidder => "bidder",
            Role::Seller => "seller",
            Role::Operator => "operator",
        }
    }
}

/// Text that is not the name of a role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown role {0:?}, expected bidder, seller or operator")]
pub struct ParseRoleError(pub String);

impl std::str::FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Role, ParseRoleError> {
        let role = Role::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| ParseRoleError(text.to_owned()))
    }
}
