//! Accounts and API keys, for operators.

use crate::accounts::role;
use crate::queries::PostgresQueries;
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::people::accounts::Profile;
use auction_app::ports::people::{Role, TokenHash};
use auction_domain::{Timestamp, UserId};
use std::num::NonZeroU32;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// API key: the credential of a program, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Id of the key ([`TokenHash::id`]), under which events record what it did as an operator.
    pub id: Uuid,
    /// Unique name, which operators choose.
    pub name: String,
    /// Highest role that the program may act in.
    pub role: Role,
    /// Rate limit of the key, in requests per second; `None`: the limit of users applies.
    pub per_second: Option<NonZeroU32>,
    /// When the key was created.
    pub created_at: Timestamp,
    /// When the key expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When the key was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Accounts and API keys, for operators.
impl PostgresQueries {
    /// Returns the account with this e-mail address, compared without case; `None` if there is none.
    pub async fn find_account(&self, email: &str) -> Result<Option<(UserId, Profile)>, Unavailable> {
        let rows = self.query(sql!("find_account"), &[&email]).await?;
        let found = |row: &Row| {
            let (email, name, created_at) = (row.get(1), row.get(2), Timestamp(row.get(4)));
            Ok((UserId(row.get(0)), Profile { email, name, role: role(row, 3)?, created_at }))
        };
        rows.first().map(found).transpose()
    }

    /// Sets the role of a user. Returns whether the user has an account.
    pub async fn grant(&self, user: UserId, role: Role) -> Result<bool, Unavailable> {
        let update = sql!("grant_role");
        Ok(!self.query(update, &[&user.0, &role.name()]).await?.is_empty())
    }

    /// Stores an API key. Returns false, and stores nothing, if a key of this name exists or ever existed.
    pub async fn create_key(&self, hash: TokenHash, key: &ApiKey) -> Result<bool, Unavailable> {
        let per_second = key.per_second.map(|n| i32::try_from(n.get()).unwrap_or(i32::MAX));
        let params: &[&(dyn ToSql + Sync)] = &[
            &hash.0.as_slice(),
            &key.name,
            &key.role.name(),
            &per_second,
            &key.created_at.0,
            &key.expires_at.map(|at| at.0),
        ];
        Ok(!self.query_once(sql!("create_api_key"), params).await?.is_empty())
    }

    /// Returns all API keys, revoked ones as well, the oldest first.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, Unavailable> {
        let rows = self.query(sql!("api_keys"), &[]).await?;
        rows.iter().map(key).collect()
    }

    /// Revokes an API key. Returns its hash; `None` if there is no key of this name.
    pub async fn revoke_key(&self, name: &str, now: Timestamp) -> Result<Option<TokenHash>, Unavailable> {
        let update = sql!("revoke_api_key");
        let rows = self.query(update, &[&name, &now.0]).await?;
        rows.first().map(|row| hash(row, 0)).transpose()
    }
}

fn hash(row: &Row, column: usize) -> Result<TokenHash, Unavailable> {
    row.get::<_, &[u8]>(column).try_into().map(TokenHash).map_err(unavailable)
}

fn key(row: &Row) -> Result<ApiKey, Unavailable> {
    let per_second = row.get::<_, Option<i32>>(2).and_then(|n| u32::try_from(n).ok());
    Ok(ApiKey {
        name: row.get(0),
        role: role(row, 1)?,
        per_second: per_second.and_then(NonZeroU32::new),
        created_at: Timestamp(row.get(3)),
        expires_at: row.get::<_, Option<i64>>(4).map(Timestamp),
        revoked_at: row.get::<_, Option<i64>>(5).map(Timestamp),
        id: hash(row, 6)?.id(),
    })
}
