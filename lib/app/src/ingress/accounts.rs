//! Who users are: how they sign up, in and out, and what their tokens stand for.
//!
//! * [`Email`], [`Name`], [`Password`]: what people say of themselves, checked;
//! * [`Passwords`]: argon2id, on threads of its own;
//! * [`TokenHash`]: all that is kept of a token;
//! * [`TokenCache`]: what an ingress knows of tokens, also while the store is away.
//!
//! Names and addresses lie behind [`crate::ports::people::accounts`] and nowhere else: a command and its events know a user
//! by his id.

mod credentials;
mod passwords;
mod token;
mod token_cache;

pub use credentials::{CredentialError, Email, LONGEST_PASSWORD, Name, Password, SHORTEST_PASSWORD};
pub use passwords::Passwords;
pub use token::{PrincipalKind, TokenHash, TokenIdentity, TokenKind, fresh};
pub use token_cache::{CacheLookup, TokenCache};

use thiserror::Error;

/// What somebody may do; each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Bids.
    Bidder,
    /// Offers things.
    Seller,
    /// Somebody of the house.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Bidder, Role::Seller, Role::Operator];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Bidder => "bidder",
            Role::Seller => "seller",
            Role::Operator => "operator",
        }
    }
}

/// No role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no role: there are bidder, seller and operator")]
pub struct ParseRoleError(pub String);

impl std::str::FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Role, ParseRoleError> {
        let role = Role::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| ParseRoleError(text.to_owned()))
    }
}
