//! Databases with migrations of a newer program: whether this program can use them.

use super::MigrateError;
use refinery::Migration;
use tokio_postgres::Client;

/// Migration of a newer program, which this program does not know.
#[derive(Debug)]
struct NewerMigration {
    version: i32,
    name: String,
    /// Newest migration that a program must know to use the database; `None` if the migration does not say.
    oldest_program: Option<i32>,
}

/// Returns whether a newer program migrated the database. Fails if `known`, the migrations of this program, are
/// not those of the database, or if this program cannot use the database after the newer ones.
pub(super) async fn check(client: &mut Client, known: &[Migration]) -> Result<bool, MigrateError> {
    let own = known.iter().map(Migration::version).max().unwrap_or_default();
    if !has_newer(client, own).await? {
        return Ok(false);
    }
    check_known_are_applied(client, known).await?;
    let newer = newer_migrations(client, own).await?;
    let needed = |one: &NewerMigration| one.oldest_program.unwrap_or(one.version);
    let Some(strictest) = newer.iter().max_by_key(|one| needed(one)) else { return Ok(false) };
    if needed(strictest) > own {
        let NewerMigration { version, name, .. } = strictest;
        return Err(MigrateError::NewerSchema {
            migration: format!("V{version} ({name})"),
            needed: needed(strictest),
            own,
        });
    }
    let newest = newer.last().map_or(own, |one| one.version);
    tracing::info!(newest, own, "a newer program migrated the database, and its migrations are compatible");
    Ok(true)
}

async fn has_newer(client: &Client, own: i32) -> Result<bool, tokio_postgres::Error> {
    let history = client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?;
    if !history.get::<_, bool>(0) {
        return Ok(false);
    }
    let newer = "SELECT EXISTS (SELECT FROM refinery_schema_history WHERE version > $1)";
    Ok(client.query_one(newer, &[&own]).await?.get(0))
}

async fn check_known_are_applied(client: &mut Client, known: &[Migration]) -> Result<(), MigrateError> {
    let history = super::embedded::migrations::runner();
    let applied = history.get_applied_migrations_async(client).await.map_err(super::migration_error)?;
    match known.iter().find(|migration| !applied.contains(migration)) {
        Some(missing) => Err(MigrateError::OtherHistory(missing.to_string())),
        None => Ok(()),
    }
}

async fn newer_migrations(client: &Client, own: i32) -> Result<Vec<NewerMigration>, tokio_postgres::Error> {
    let select = "SELECT version, name, oldest_program
        FROM refinery_schema_history LEFT JOIN migration_compatibility USING (version)
        WHERE version > $1 ORDER BY version";
    let rows = client.query(select, &[&own]).await?;
    let read = |row: &tokio_postgres::Row| NewerMigration {
        version: row.get(0),
        name: row.get(1),
        oldest_program: row.get(2),
    };
    Ok(rows.iter().map(read).collect())
}
