//! Ports for accounts, tokens, rate limits and user deletion.

pub mod account_admin;
pub mod accounts;
pub mod rate_limit_store;
pub mod tokens;
pub mod user_deletions;
