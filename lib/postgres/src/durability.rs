//! Whether Postgres keeps what it acknowledges. Asked on our own connections: `synchronous_commit` can be
//! different for each database, role and session.

use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::durability::{Durability, DurabilityRisk, Finding};
use tokio_postgres::{Client, Row};

/// Judges the server behind a new connection.
pub(crate) async fn check(client: &Client, durability: Option<&Durability>) -> Result<(), Unavailable> {
    let Some(durability) = durability else { return Ok(()) };
    let rows = client.query(include_str!("../../../sql/queries/durability.sql"), &[]).await;
    let findings = rows.map_err(unavailable)?.iter().filter_map(|row| finding(&setting(row))).collect();
    durability.check(findings).map_err(|too_weak| Unavailable::new("postgres", too_weak))
}

/// A setting as our session has it.
struct Setting<'a> {
    name: &'a str,
    value: &'a str,
    /// Where its value comes from, in the words of `pg_settings`.
    source: &'a str,
    database: &'a str,
    role: &'a str,
}

fn setting(row: &Row) -> Setting<'_> {
    Setting {
        name: row.get(0),
        value: row.get(1),
        source: row.get(2),
        database: row.get(3),
        role: row.get(4),
    }
}

fn finding(setting: &Setting<'_>) -> Option<Finding> {
    let Setting { name, value, .. } = *setting;
    let weakness = match (name, value) {
        ("fsync", "off") => DurabilityRisk::PostgresFsyncOff,
        ("full_page_writes", "off") => DurabilityRisk::PostgresFullPageWritesOff,
        // The others all wait for the disk of this server.
        ("synchronous_commit", "off") => DurabilityRisk::PostgresSynchronousCommitOff,
        _ => return None,
    };
    Some(Finding { weakness, found: format!("postgres: {name} is {value}"), fix: mend(setting) })
}

/// The line that ends it, where it was set.
fn mend(Setting { name, source, database, role, .. }: &Setting<'_>) -> String {
    match *source {
        "database" => format!("`ALTER DATABASE \"{database}\" RESET {name}`"),
        "user" => format!("`ALTER ROLE \"{role}\" RESET {name}`"),
        "database user" => format!("`ALTER ROLE \"{role}\" IN DATABASE \"{database}\" RESET {name}`"),
        "client" => format!("take {name} out of DATABASE_URL"),
        "command line" => format!("start Postgres with `-c {name}=on`"),
        _ => format!("`ALTER SYSTEM SET {name} = on` and `SELECT pg_reload_conf()`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weak_setting_is_found_and_the_line_to_change_is_said() {
        let found = |name, value, source| {
            let setting = Setting { name, value, source, database: "auction", role: "app" };
            finding(&setting).map(|finding| (finding.weakness, finding.fix))
        };
        for name in ["fsync", "full_page_writes", "synchronous_commit"] {
            assert_eq!(found(name, "on", "default"), None);
        }
        assert_eq!(found("synchronous_commit", "local", "user"), None, "it waits for its own disk");
        for (name, source, weakness, line) in [
            (
                "fsync",
                "configuration file",
                DurabilityRisk::PostgresFsyncOff,
                "`ALTER SYSTEM SET fsync = on`",
            ),
            ("fsync", "command line", DurabilityRisk::PostgresFsyncOff, "`-c fsync=on`"),
            (
                "full_page_writes",
                "configuration file",
                DurabilityRisk::PostgresFullPageWritesOff,
                "`ALTER SYSTEM SET full_page_writes = on`",
            ),
            (
                "synchronous_commit",
                "database",
                DurabilityRisk::PostgresSynchronousCommitOff,
                "`ALTER DATABASE \"auction\" RESET synchronous_commit`",
            ),
            (
                "synchronous_commit",
                "user",
                DurabilityRisk::PostgresSynchronousCommitOff,
                "`ALTER ROLE \"app\" RESET synchronous_commit`",
            ),
            (
                "synchronous_commit",
                "client",
                DurabilityRisk::PostgresSynchronousCommitOff,
                "take synchronous_commit out of DATABASE_URL",
            ),
        ] {
            let (is, mend) = found(name, "off", source).unwrap();
            assert_eq!(is, weakness);
            assert!(mend.contains(line), "{mend}");
        }
    }
}
