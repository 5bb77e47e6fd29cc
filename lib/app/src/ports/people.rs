//! Ports for accounts, tokens, rate limits and user deletion.

pub mod accounts;
#[allow(missing_docs, reason = "value types, no contract")]
pub mod credentials;
pub mod rate_limit_store;
#[allow(missing_docs, reason = "value types, no contract")]
pub mod role;
#[allow(missing_docs, reason = "value types, no contract")]
pub mod token;
pub mod tokens;
pub mod user_deletions;

pub use credentials::{CredentialError, Email, Name, Password};
pub use role::{ParseRoleError, Role};
pub use token::{PrincipalKind, TokenHash, TokenIdentity, TokenKind, new_token};
