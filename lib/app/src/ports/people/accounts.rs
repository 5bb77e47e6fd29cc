//! Who users are: the only place with personal data.

use crate::ingress::accounts::{Email, Name, Role, TokenHash};
use crate::ports::Unavailable;
use auction_domain::{Timestamp, UserId};
use auction_wire::CommandId;
use std::future::Future;

/// The accounts, with the sessions of their users.
pub trait Accounts: Send + Sync {
    /// Keeps an account as provisional, until its user exists. It takes the same steps, and a write to disk,
    /// whether the address is free or taken. The same account given again is kept once.
    fn register(
        &self,
        account: &NewAccount,
    ) -> impl Future<Output = Result<RegisterResult, Unavailable>> + Send;

    /// Forgets an account whose command could not be sent; not if its user exists after all.
    fn cancel_registration(&self, user: UserId) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// By what the user with that address is recognised, in whatever case it is written; none if there is
    /// no such user, or not yet, or not any more.
    fn credentials(
        &self,
        email: &str,
    ) -> impl Future<Output = Result<Option<Credentials>, Unavailable>> + Send;

    /// What is known of a user; none if he has no account.
    fn profile(&self, user: UserId) -> impl Future<Output = Result<Option<Profile>, Unavailable>> + Send;

    /// From now on the token is known. Not if the account is gone: returns whether it is there.
    fn open_session(&self, session: &Session) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// From now on the token is not known.
    fn close_session(&self, token: TokenHash) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The same of all tokens of a user.
    fn close_sessions(&self, user: UserId) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Takes away what is known of users who are deleted.
pub trait PersonalDataErasure: Send + Sync {
    /// Erases the accounts of these users, and their sessions. What is gone is gone: it may be done again.
    /// Returns whose there were.
    fn erase(&self, users: &[UserId]) -> impl Future<Output = Result<Vec<UserId>, Unavailable>> + Send;
}

/// Takes away accounts whose users never came to be, and sessions that are over.
pub trait AccountRetention: Send + Sync {
    /// Provisional accounts become active if their user exists. They go if he was deleted, if the command
    /// was decided and there is no user, and if it is undecided and the account is from before
    /// `undecided_since`. Sessions go that ended before `now`. A step is short, and leaves some for later ones.
    fn sweep(
        &self,
        now: Timestamp,
        undecided_since: Timestamp,
    ) -> impl Future<Output = Result<SweepReport, Unavailable>> + Send;
}

/// An account that somebody wants.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The user there will be.
    pub user: UserId,
    /// The command that makes him.
    pub command: CommandId,
    /// His address, which nobody else has.
    pub email: Email,
    /// What he is called.
    pub name: Name,
    /// Of his password.
    pub password_hash: String,
    /// What he may do.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterResult {
    /// It is kept.
    Created,
    /// Somebody else has the address.
    EmailTaken,
    /// There is an account of that user already, with another address.
    UserHasAccount,
}

/// By what a user is recognised.
#[derive(Clone)]
pub struct Credentials {
    /// Who he is.
    pub user: UserId,
    /// Of his password.
    pub password_hash: String,
    /// What he may do.
    pub role: Role,
}

/// What is known of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// His address.
    pub email: String,
    /// What he is called.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// Since when he has the account.
    pub created_at: Timestamp,
}

/// A token of a user.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Of the token.
    pub token: TokenHash,
    /// Whose.
    pub user: UserId,
    /// From.
    pub created_at: Timestamp,
    /// Until.
    pub expires_at: Timestamp,
}

/// What a step of sweeping came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// So many accounts became active.
    pub activated: u64,
    /// So many went.
    pub removed: u64,
    /// So many sessions went.
    pub sessions: u64,
}
