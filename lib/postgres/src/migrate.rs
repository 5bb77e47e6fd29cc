//! Brings a database to the current schema. Safe when many processes start at once, and when a newer program
//! migrated the database before.

mod newer_schema;

use crate::connection::run_connection;
use crate::error::ends_connection;
use crate::store::bounded_config;
use crate::{error_text, unavailable};
use auction_app::ports::Unavailable;
use auction_wire::PartitionCount;
use std::error::Error as _;
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

mod embedded {
    refinery::embed_migrations!("../../sql/migrations");
}

/// Key of the advisory lock for migrations: the letters `auction`, then 1.
const MIGRATION_LOCK: i64 = 0x6175_6374_696f_6e01;

/// Names of the random secrets that all processes of a portal share. Keys for command handles, seeds of draws
/// and secrets of webhooks are derived from them.
const SECRETS: [&str; 3] = ["command_handles", "draws", "webhooks"];

/// Name of the row of `secrets` with the id of the portal: 16 random bytes. The id is not confidential; it is
/// stored there because it is made at the same time and in the same way.
const PORTAL_ID: &str = "portal_id";

/// Interval at which a process tries to take the lock. Waiting inside `pg_advisory_lock` would deadlock with
/// `CREATE INDEX CONCURRENTLY`.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// A lock holder that sends nothing is paused or disconnected: the server ends its session, so that other
/// processes can continue. The paused process finds its connection closed, and tries again.
///
/// A migration that waits for a table lets every later statement on that table wait, too. So the wait is short,
/// and the migration starts again.
const SESSION_TIMEOUTS: &str = "SET idle_session_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '2s'";

/// Reasons a database cannot be used.
#[derive(Debug, Error)]
pub enum MigrateError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A migration failed, or is not the one that the database has under its number.
    #[error("cannot migrate the database: {}", error_text(.0))]
    Migration(refinery::Error),
    /// A newer program migrated the database, and this program cannot use it any more.
    #[error(
        "the migration {migration} of the database needs programs with the migration V{needed} or later, and \
         this program (version {version}) ends with V{own}: start a newer program. To go back to this program, \
         restore a backup from before that migration",
        version = env!("CARGO_PKG_VERSION")
    )]
    NewerSchema { migration: String, needed: i32, own: i32 },
    /// A newer program migrated the database, and a migration of this program is not among those of the database.
    #[error(
        "a newer program migrated the database, and the migration {0} of this program (version {version}) is \
         not applied there: the programs were built from different sources. Start the newer program",
        version = env!("CARGO_PKG_VERSION")
    )]
    OtherHistory(String),
    /// The number of partitions cannot be changed after a portal was first started.
    #[error(
        "the database has {stored} partitions, the configuration says {configured}: the number cannot be \
         changed later, set `partitions = {stored}`"
    )]
    Partitions { stored: i64, configured: u16 },
    #[error(
        "the row `portal_id` of the table `secrets` is not an id of 16 bytes: delete it, and start again"
    )]
    PortalId,
}

/// Runs all pending migrations, and creates the partitions, secrets and id of a new portal. Waits while another
/// process does the same. Returns the id of the portal.
pub async fn migrate(database_url: &str, partitions: PartitionCount) -> Result<Uuid, MigrateError> {
    let config = bounded_config(database_url).map_err(unavailable)?;
    let (mut client, connection) = config.connect(NoTls).await.map_err(unavailable)?;
    let connection = tokio::spawn(run_connection(connection));
    let locked = lock(&client).await;
    let result = match locked {
        Ok(()) => run(&mut client, partitions).await,
        Err(error) => Err(error.into()),
    };
    drop(client); // ends the session, which releases the lock
    let _ = connection.await;
    result
}

async fn lock(client: &Client) -> Result<(), Unavailable> {
    client.batch_execute(SESSION_TIMEOUTS).await.map_err(unavailable)?;
    loop {
        let row = client
            .query_one("SELECT pg_try_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(unavailable)?;
        if row.get(0) {
            return Ok(());
        }
        tokio::time::sleep(LOCK_RETRY_INTERVAL).await;
    }
}

async fn run(client: &mut Client, partitions: PartitionCount) -> Result<Uuid, MigrateError> {
    let migrations = embedded::migrations::runner();
    if !newer_schema::check(client, migrations.get_migrations()).await? {
        let report = migrations.run_async(client).await.map_err(migration_error)?;
        let applied = report.applied_migrations();
        if let Some(newest) = applied.last() {
            tracing::info!(migrations = applied.len(), %newest, "database migrated");
        }
    }
    let configured = partitions.get();
    // One statement: without its definition for this number, partition_of would name wrong partitions.
    let create = "WITH created AS (
            INSERT INTO partitions (id) SELECT generate_series(0, $1::int - 1)
            WHERE NOT EXISTS (SELECT FROM partitions) RETURNING id
        )
        SELECT define_partition_of($1) FROM created LIMIT 1";
    client.query(create, &[&i32::from(configured)]).await.map_err(unavailable)?;
    let new_id = (PORTAL_ID, Uuid::new_v4().into_bytes().to_vec());
    for (name, value) in SECRETS.map(|name| (name, new_secret())).into_iter().chain([new_id]) {
        let insert = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        client.execute(insert, &[&name, &value.as_slice()]).await.map_err(unavailable)?;
    }
    let row = client.query_one("SELECT count(*) FROM partitions", &[]).await.map_err(unavailable)?;
    let stored: i64 = row.get(0);
    if stored != i64::from(configured) {
        return Err(MigrateError::Partitions { stored, configured });
    }
    portal_id(client).await.map_err(unavailable)?.ok_or(MigrateError::PortalId)
}

/// Reads the id of the portal; `None` if it is missing or not an id.
pub(crate) async fn portal_id(client: &Client) -> Result<Option<Uuid>, tokio_postgres::Error> {
    let rows = client.query("SELECT value FROM secrets WHERE name = $1", &[&PORTAL_ID]).await?;
    Ok(rows.first().and_then(|row| Uuid::from_slice(row.get(0)).ok()))
}

/// Converts an error of the migrations. A server that becomes unavailable and a lock that is not free are
/// [`MigrateError::Unavailable`], so that the caller tries again.
fn migration_error(error: refinery::Error) -> MigrateError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<tokio_postgres::Error>() {
            Some(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                return lock_not_available(error).into();
            }
            Some(reported) if is_unavailable(reported) => return unavailable(error).into(),
            _ => cause = inner.source(),
        }
    }
    MigrateError::Migration(error)
}

fn lock_not_available(error: &tokio_postgres::Error) -> Unavailable {
    let reason = format!(
        "the migration cannot lock a table within 2 s, because another session holds it: trying again. If this \
         lasts, find the session in pg_stat_activity and end it. {}",
        error_text(error)
    );
    Unavailable::new("postgres", reason)
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> MigrateError {
        match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => lock_not_available(&error).into(),
            _ => unavailable(error).into(),
        }
    }
}

/// Returns true if the connection ended, and for interventions of an operator (class 57) and a lack of resources
/// such as disk space or connections (53).
fn is_unavailable(error: &tokio_postgres::Error) -> bool {
    ends_connection(error) || error.code().is_some_and(|state| ["53", "57"].contains(&&state.code()[..2]))
}

/// Returns 32 bytes from two version 4 UUIDs, so 244 random bits.
fn new_secret() -> Vec<u8> {
    [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat()
}
