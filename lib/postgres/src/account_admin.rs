//! Accounts and API keys, for operators.

use crate::accounts::role;
use crate::queries::PostgresQueries;
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::people::account_admin::{AccountAdmin, ApiKey};
use auction_app::ports::people::accounts::Profile;
use auction_app::ports::people::{Role, TokenHash};
use auction_domain::{Timestamp, UserId};
use std::num::NonZeroU32;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

impl AccountAdmin for PostgresQueries {
    async fn find(&self, email: &str) -> Result<Option<(UserId, Profile)>, Unavailable> {
        let rows = self.query(sql!("find_account"), &[&email]).await?;
        let found = |row: &Row| {
            let (email, name, created_at) = (row.get(1), row.get(2), Timestamp(row.get(4)));
            Ok((UserId(row.get(0)), Profile { email, name, role: role(row, 3)?, created_at }))
        };
        rows.first().map(found).transpose()
    }

    async fn grant(&self, user: UserId, role: Role) -> Result<bool, Unavailable> {
        Ok(!self.query(sql!("grant_role"), &[&user.0, &role.name()]).await?.is_empty())
    }

    async fn create_key(&self, hash: TokenHash, key: &ApiKey) -> Result<bool, Unavailable> {
        let per_second = key.per_second.map(|n| i32::try_from(n.get()).unwrap_or(i32::MAX));
        let params: &[&(dyn ToSql + Sync)] = &[
            &hash.0.as_slice(),
            &key.name,
            &key.role.name(),
            &per_second,
            &key.created_at.0,
            &key.expires_at.map(|at| at.0),
        ];
        Ok(!self.query(sql!("create_api_key"), params).await?.is_empty())
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, Unavailable> {
        let rows = self.query(sql!("api_keys"), &[]).await?;
        rows.iter().map(key).collect()
    }

    async fn revoke_key(&self, name: &str, now: Timestamp) -> Result<Option<TokenHash>, Unavailable> {
        let rows = self.query(sql!("revoke_api_key"), &[&name, &now.0]).await?;
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
