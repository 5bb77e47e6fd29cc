//! Checks that Postgres can be written to, and keeps what it acknowledges. Each new connection is checked, since
//! the settings can differ between databases, roles and sessions.

use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_durability::{Durability, DurabilityRisk, Finding};
use tokio_postgres::{Client, Row};

/// Checks the server of a new connection. An error means: do not use the connection.
pub(crate) async fn check(client: &Client, durability: Option<&Durability>) -> Result<(), Unavailable> {
    let Some(durability) = durability else { return Ok(()) };
    let rows = client.query(sql!("durability"), &[]).await.map_err(unavailable)?;
    let settings: Vec<Setting<'_>> = rows.iter().map(setting).collect();
    if let Some(reason) = read_only(&settings) {
        return Err(Unavailable::new("postgres", reason));
    }
    let findings = settings.iter().filter_map(finding).collect();
    durability.check(findings).map_err(|too_weak| Unavailable::new("postgres", too_weak))
}

/// Returns why nothing can be written in this session, if the server is a standby or read-only.
pub(crate) async fn read_only_reason(client: &Client) -> Result<Option<&'static str>, Unavailable> {
    let rows = client.query(sql!("durability"), &[]).await.map_err(unavailable)?;
    Ok(read_only(&rows.iter().map(setting).collect::<Vec<_>>()))
}

/// Returns why this session cannot write, if it cannot.
fn read_only(settings: &[Setting<'_>]) -> Option<&'static str> {
    let is_on = |name| settings.iter().any(|setting| setting.name == name && setting.value == "on");
    if is_on("standby") {
        Some("the server is a standby: waiting until it is promoted, or its address leads to the primary")
    } else if is_on("transaction_read_only") {
        Some("the server is read-only: waiting until default_transaction_read_only is off")
    } else {
        None
    }
}

/// Setting of the session.
struct Setting<'a> {
    name: &'a str,
    value: &'a str,
    /// Where the value was set, as in `pg_settings.source`.
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
    let risk = match (name, value) {
        ("fsync", "off") => DurabilityRisk::PostgresFsyncOff,
        ("full_page_writes", "off") => DurabilityRisk::PostgresFullPageWritesOff,
        // All other values wait for the disk of this server.
        ("synchronous_commit", "off") => DurabilityRisk::PostgresSynchronousCommitOff,
        ("synchronous_standby_names", "") => DurabilityRisk::PostgresNoSynchronousStandby,
        _ => return None,
    };
    let value = if value.is_empty() { "empty" } else { value };
    Some(Finding { risk, found: format!("postgres: {name} is {value}"), fix: fix(setting) })
}

/// Returns the command or change that corrects a setting where it was set.
fn fix(Setting { name, source, database, role, .. }: &Setting<'_>) -> String {
    match *source {
        _ if *name == "synchronous_standby_names" => {
            format!("add a standby, then `ALTER SYSTEM SET {name} = '*'` and `SELECT pg_reload_conf()`")
        }
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
    fn read_only_session_is_refused_with_its_cause() {
        let setting = |name, value| Setting { name, value, source: "", database: "auction", role: "app" };
        assert_eq!(read_only(&[setting("standby", "off"), setting("transaction_read_only", "off")]), None);
        let read_only_database = [setting("standby", "off"), setting("transaction_read_only", "on")];
        assert!(read_only(&read_only_database).unwrap().contains("default_transaction_read_only"));
        let standby = [setting("transaction_read_only", "on"), setting("standby", "on")];
        assert!(read_only(&standby).unwrap().contains("is a standby"));
    }

    #[test]
    fn each_weak_setting_is_found_with_its_fix() {
        let found = |name, value, source| {
            let setting = Setting { name, value, source, database: "auction", role: "app" };
            finding(&setting).map(|finding| (finding.risk, finding.fix))
        };
        for name in ["fsync", "full_page_writes", "synchronous_commit"] {
            assert_eq!(found(name, "on", "default"), None);
        }
        assert_eq!(found("synchronous_commit", "local", "user"), None, "the commit waits for the local disk");
        let (fsync, pages, commit) = (
            DurabilityRisk::PostgresFsyncOff,
            DurabilityRisk::PostgresFullPageWritesOff,
            DurabilityRisk::PostgresSynchronousCommitOff,
        );
        let standby = found("synchronous_standby_names", "", "default").unwrap();
        assert_eq!(standby.0, DurabilityRisk::PostgresNoSynchronousStandby);
        assert!(standby.1.contains("synchronous_standby_names = '*'"), "{}", standby.1);
        assert_eq!(found("synchronous_standby_names", "ANY 1 (a, b)", "configuration file"), None);
        for (name, source, risk, line) in [
            ("fsync", "configuration file", fsync, "`ALTER SYSTEM SET fsync = on`"),
            ("fsync", "command line", fsync, "`-c fsync=on`"),
            ("full_page_writes", "configuration file", pages, "`ALTER SYSTEM SET full_page_writes = on`"),
            (
                "synchronous_commit",
                "database",
                commit,
                "`ALTER DATABASE \"auction\" RESET synchronous_commit`",
            ),
            ("synchronous_commit", "user", commit, "`ALTER ROLE \"app\" RESET synchronous_commit`"),
            ("synchronous_commit", "client", commit, "take synchronous_commit out of DATABASE_URL"),
        ] {
            let (found, fix) = found(name, "off", source).unwrap();
            assert_eq!(found, risk);
            assert!(fix.contains(line), "{fix}");
        }
    }
}
