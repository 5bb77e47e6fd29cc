//! Accounts: password hashing, and the cache of known tokens.
//!
//! * [`Passwords`]: argon2id on blocking threads;
//! * [`TokenCache`]: known tokens, also valid while the store is unavailable.
//!
//! Personal data is reached only through [`crate::ports::people::accounts`]. Commands and events contain user
//! ids only.

mod passwords;
mod token_cache;

pub use passwords::Passwords;
pub use token_cache::{CacheLookup, TokenCache};
