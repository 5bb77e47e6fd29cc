//! Accounts of users: the only place with personal data.

use crate::ports::Unavailable;
use crate::ports::people::{Email, Name, Role, TokenHash};
use async_trait::async_trait;
use auction_domain::{Timestamp, UserId};
use auction_wire::CommandId;
use std::future::Future;

/// Accounts of users, and their sessions.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Stores a provisional account, which becomes active when its user exists.
    ///
    /// Takes the same steps and one durable write whether or not the e-mail address is taken, so that the
    /// response time does not show which. Idempotent: the same account is stored once.
    async fn register(&self, account: &NewAccount) -> Result<RegisterResult, Unavailable>;

    /// Deletes a provisional account whose command could not be submitted. Does nothing if its user exists.
    async fn cancel_registration(&self, user: UserId) -> Result<(), Unavailable>;

    /// Returns the credentials of the user with this e-mail address, compared without case; `None` if there
    /// is no such user, not yet or not any more.
    async fn credentials(&self, email: &str) -> Result<Option<Credentials>, Unavailable>;

    /// Returns the profile of a user; `None` if the user has no account.
    async fn profile(&self, user: UserId) -> Result<Option<Profile>, Unavailable>;

    /// Stores a session. Returns false, and stores nothing, if the user has no account.
    async fn open_session(&self, session: &Session) -> Result<bool, Unavailable>;

    /// Deletes the session of a token. Idempotent.
    async fn close_session(&self, token: TokenHash) -> Result<(), Unavailable>;

    /// Deletes all sessions of a user. Idempotent.
    async fn close_sessions(&self, user: UserId) -> Result<(), Unavailable>;
}

/// Erases the personal data of deleted users.
pub trait PersonalDataErasure: Send + Sync {
    /// Deletes the accounts and sessions of these users, and returns the users that had an account.
    /// Idempotent.
    fn erase(&self, users: &[UserId]) -> impl Future<Output = Result<Vec<UserId>, Unavailable>> + Send;
}

/// Deletes provisional accounts whose users were never created, and expired sessions.
pub trait AccountRetention: Send + Sync {
    /// Runs one short step, which may leave work for later steps.
    ///
    /// Provisional accounts become active if their user exists. They are deleted if the user was deleted, if
    /// the command was decided and the user does not exist, and if the command is undecided and the account
    /// is from before `undecided_since`. Sessions that expired before `now` are deleted.
    fn sweep(
        &self,
        now: Timestamp,
        undecided_since: Timestamp,
    ) -> impl Future<Output = Result<SweepReport, Unavailable>> + Send;
}

/// Account that a user wants to register.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Id of the user to create.
    pub user: UserId,
    /// Id of the command that creates the user.
    pub command: CommandId,
    /// E-mail address, unique among accounts.
    pub email: Email,
    /// Display name of the user.
    pub name: Name,
    /// Hash of the password.
    pub password_hash: String,
    /// Role of the user.
    pub role: Role,
    /// Time of the registration.
    pub at: Timestamp,
}

/// Result of registering an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterResult {
    /// The account is stored.
    Created,
    /// Another user has the e-mail address.
    EmailTaken,
    /// The user has an account with another e-mail address.
    UserHasAccount,
}

/// Credentials of a user.
#[derive(Clone)]
pub struct Credentials {
    /// Id of the user.
    pub user: UserId,
    /// Hash of the password.
    pub password_hash: String,
    /// Role of the user.
    pub role: Role,
}

/// Personal data of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// E-mail address as the user wrote it.
    pub email: String,
    /// Display name of the user.
    pub name: String,
    /// Role of the user.
    pub role: Role,
    /// When the account was created.
    pub created_at: Timestamp,
}

/// Session of a user.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Hash of the session token.
    pub token: TokenHash,
    /// User who signed in.
    pub user: UserId,
    /// Start of the session.
    pub created_at: Timestamp,
    /// End of the session.
    pub expires_at: Timestamp,
}

/// Result of one sweep step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Number of accounts that became active.
    pub activated: u64,
    /// Number of deleted accounts.
    pub removed: u64,
    /// Number of deleted sessions.
    pub sessions: u64,
}
