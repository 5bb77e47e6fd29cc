//! Brings a database to the present schema, however many processes start at once.

use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_wire::PartitionCount;
use std::error::Error as _;
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::{Client, NoTls};

mod embedded {
    refinery::embed_migrations!("../../sql/migrations");
}

/// Ours among the advisory locks of a database.
const MIGRATION_LOCK: i64 = 0x6175_6374_696f_6e01;

/// What all processes of a portal share: what makes handles ours, and what the seeds of draws and the secrets of
/// webhooks derive from.
const SECRETS: [&str; 3] = ["command_handles", "draws", "webhooks"];

/// How often a waiting process looks whether another one is done. A waiter inside `pg_advisory_lock`
/// would deadlock with `CREATE INDEX CONCURRENTLY`.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Whoever has the lock and asks for nothing is paused or cut off: the server ends his session, and others go on.
/// He finds his connection gone, and tries again.
const NOBODY_RESTS: &str = "SET idle_session_timeout = '5s'; SET idle_in_transaction_session_timeout = '5s'";

/// Why a database cannot be used.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// Not there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A migration failed, or the database is from a newer program.
    #[error("the database could not be migrated: {0}")]
    Migration(refinery::Error),
    /// The number of partitions is fixed when a portal first starts.
    #[error(
        "the database has {stored} partitions, the configuration says {configured}: the number cannot be \
         changed later, set `partitions = {stored}`"
    )]
    Partitions {
        /// In the database.
        stored: i64,
        /// In the configuration.
        configured: u16,
    },
}

/// Migrates, and makes sure that the number of partitions is the one the portal was first started with.
pub async fn migrate(database_url: &str, partitions: PartitionCount) -> Result<(), MigrateError> {
    let (mut client, connection) = tokio_postgres::connect(database_url, NoTls).await.map_err(unavailable)?;
    let connection = tokio::spawn(connection);
    let locked = lock(&client).await;
    let result = match locked {
        Ok(()) => run(&mut client, partitions).await,
        Err(error) => Err(error.into()),
    };
    drop(client); // and the lock with its session
    let _ = connection.await;
    result
}

async fn lock(client: &Client) -> Result<(), Unavailable> {
    client.batch_execute(NOBODY_RESTS).await.map_err(unavailable)?;
    loop {
        let row = client
            .query_one("SELECT pg_try_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(unavailable)?;
        if row.get(0) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn run(client: &mut Client, partitions: PartitionCount) -> Result<(), MigrateError> {
    let report = embedded::migrations::runner().run_async(client).await.map_err(failed)?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "migrated");
    }
    let configured = partitions.get();
    client
        .execute(
            "INSERT INTO partitions (id) SELECT generate_series(0, $1::int - 1) \
             WHERE NOT EXISTS (SELECT FROM partitions)",
            &[&i32::from(configured)],
        )
        .await
        .map_err(unavailable)?;
    for name in SECRETS {
        let insert = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        client.execute(insert, &[&name, &new_secret().as_slice()]).await.map_err(unavailable)?;
    }
    let row = client.query_one("SELECT count(*) FROM partitions", &[]).await.map_err(unavailable)?;
    let stored: i64 = row.get(0);
    if stored != i64::from(configured) {
        return Err(MigrateError::Partitions { stored, configured });
    }
    Ok(())
}

/// A server that goes away in the middle is not a migration that failed: whoever waits for it tries again.
fn failed(error: refinery::Error) -> MigrateError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref().is_some_and(went_away) {
            return unavailable(error).into();
        }
        cause = inner.source();
    }
    MigrateError::Migration(error)
}

/// The connection broke, or the server said that it ends it (class 57), or that it has no room (53).
fn went_away(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|state| ["08", "53", "57"].contains(&&state.code()[..2]))
}

/// 244 random bits.
fn new_secret() -> Vec<u8> {
    [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat()
}
