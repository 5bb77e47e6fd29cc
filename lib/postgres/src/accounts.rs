//! Accounts, sessions and the identities of tokens.

use crate::queries::PostgresQueries;
use crate::rows::number;
use crate::unavailable;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::people::accounts::{
    AccountRetention, Accounts, Credentials, NewAccount, PersonalDataErasure, Profile, RegisterResult,
    Session, SweepReport,
};
use auction_app::ports::people::tokens::TokenStore;
use auction_app::ports::people::{PrincipalKind, Role, TokenHash, TokenIdentity};
use auction_domain::{Timestamp, UserId};
use std::num::NonZeroU32;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

#[async_trait]
impl Accounts for PostgresQueries {
    async fn register(&self, account: &NewAccount) -> Result<RegisterResult, Unavailable> {
        let NewAccount { user, command, email, name, password_hash, role, at } = account;
        let params: &[&(dyn ToSql + Sync)] =
            &[&user.0, &email.as_str(), &name.as_str(), password_hash, &role.name(), &command.0, &at.0];
        match self.try_query(sql!("register_account"), params).await? {
            Ok(rows) if rows.first().is_some_and(|row| row.get(0)) => Ok(RegisterResult::Created),
            Ok(_) => Ok(RegisterResult::EmailTaken),
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                Ok(RegisterResult::UserHasAccount)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn cancel_registration(&self, user: UserId) -> Result<(), Unavailable> {
        self.query(sql!("cancel_registration"), &[&user.0]).await.map(drop)
    }

    async fn credentials(&self, email: &str) -> Result<Option<Credentials>, Unavailable> {
        let rows = self.query(sql!("credentials"), &[&email]).await?;
        rows.first()
            .map(|row| {
                Ok(Credentials { user: UserId(row.get(0)), password_hash: row.get(1), role: role(row, 2)? })
            })
            .transpose()
    }

    async fn profile(&self, user: UserId) -> Result<Option<Profile>, Unavailable> {
        let rows = self.query(sql!("profile"), &[&user.0]).await?;
        rows.first()
            .map(|row| {
                let (email, name) = (row.get(0), row.get(1));
                Ok(Profile { email, name, role: role(row, 2)?, created_at: Timestamp(row.get(3)) })
            })
            .transpose()
    }

    async fn open_session(&self, session: &Session) -> Result<bool, Unavailable> {
        let Session { token, user, created_at, expires_at } = session;
        let params: &[&(dyn ToSql + Sync)] = &[&token.0.as_slice(), &user.0, &created_at.0, &expires_at.0];
        match self.try_query(sql!("open_session"), params).await? {
            Ok(rows) => Ok(!rows.is_empty()),
            // The account was deleted at the same time.
            Err(error) if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn close_session(&self, token: TokenHash) -> Result<(), Unavailable> {
        self.query(sql!("close_session"), &[&token.0.as_slice()]).await.map(drop)
    }

    async fn close_sessions(&self, user: UserId) -> Result<(), Unavailable> {
        self.query(sql!("close_sessions"), &[&user.0]).await.map(drop)
    }
}

impl PersonalDataErasure for PostgresQueries {
    async fn erase(&self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let rows = self.query(sql!("erase_accounts"), &[&users]).await?;
        Ok(rows.iter().map(|row| UserId(row.get(0))).collect())
    }
}

impl AccountRetention for PostgresQueries {
    async fn sweep(&self, now: Timestamp, undecided_since: Timestamp) -> Result<SweepReport, Unavailable> {
        let row = self.row(sql!("sweep_accounts"), &[&now.0, &undecided_since.0]).await?;
        Ok(SweepReport { activated: number(&row, 0), removed: number(&row, 1), sessions: number(&row, 2) })
    }
}

#[async_trait]
impl TokenStore for PostgresQueries {
    async fn find(
        &self,
        tokens: &[TokenHash],
        now: Timestamp,
    ) -> Result<Vec<(TokenHash, TokenIdentity)>, Unavailable> {
        let hashes: Vec<&[u8]> = tokens.iter().map(|token| token.0.as_slice()).collect();
        let rows = self.query(sql!("find_tokens"), &[&hashes, &now.0]).await?;
        rows.iter().map(identity).collect()
    }
}

fn identity(row: &Row) -> Result<(TokenHash, TokenIdentity), Unavailable> {
    let token: &[u8] = row.get(0);
    let token = TokenHash(token.try_into().map_err(unavailable)?);
    let principal = match row.get::<_, Option<Uuid>>(1) {
        Some(user) => PrincipalKind::User(UserId(user)),
        None => {
            let per_second = row.get::<_, Option<i32>>(4).and_then(|n| u32::try_from(n).ok());
            PrincipalKind::Service { per_second: per_second.and_then(NonZeroU32::new) }
        }
    };
    Ok((token, TokenIdentity { principal, role: role(row, 2)?, expires_at: Timestamp(row.get(3)) }))
}

pub(crate) fn role(row: &Row, column: usize) -> Result<Role, Unavailable> {
    row.get::<_, &str>(column).parse().map_err(unavailable)
}
