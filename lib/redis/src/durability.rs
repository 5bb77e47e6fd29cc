//! Checks whether Redis keeps acknowledged writes: its append-only file, and its policy when memory is full.

use auction_durability::{DurabilityRisk, Finding};
use redis::{Value, pipe};
use stream_worker::value::{member, ok, text};
use stream_worker::{DedicatedConnection, StreamError};

/// Checked settings, by their `CONFIG` names.
const SETTINGS: [&str; 5] =
    ["appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy", "min-replicas-to-write"];

/// Reads the settings and returns the risks. One round trip; one more if `CONFIG GET` is not permitted, as on
/// many managed servers.
pub(crate) async fn check(connection: &mut DedicatedConnection) -> Result<Vec<Finding>, StreamError> {
    let mut commands = pipe();
    for setting in SETTINGS {
        commands.cmd("CONFIG").arg("GET").arg(setting);
    }
    let replies = connection.send(&commands).await?;
    if replies.iter().any(is_refused) {
        return check_with_info(connection).await;
    }
    let mut findings = Vec::new();
    for (setting, reply) in SETTINGS.into_iter().zip(replies) {
        let reply = ok(reply)?;
        let Some(value) = member(&reply, setting).and_then(text) else {
            return Err(StreamError::unexpected("CONFIG GET", &reply));
        };
        findings.extend(finding(setting, value));
    }
    Ok(findings)
}

/// Whether the command is not permitted, or was removed. Other errors may be temporary.
fn is_refused(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if matches!(error.code(), "NOPERM" | "ERR"))
}

/// Checks what `INFO` shows. It does not show when Redis writes to disk.
async fn check_with_info(connection: &mut DedicatedConnection) -> Result<Vec<Finding>, StreamError> {
    let mut commands = pipe();
    commands.cmd("INFO").arg("persistence");
    commands.cmd("INFO").arg("memory");
    let replies = connection.send(&commands).await?;
    let mut info = String::new();
    for reply in replies.into_iter().filter(|reply| !is_refused(reply)) {
        info.push_str(text(&ok(reply)?).unwrap_or_default());
    }
    let value = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
    };
    let appendonly = value("aof_enabled").map(|enabled| if enabled == "0" { "no" } else { "yes" });
    let mut findings = vec![Finding {
        risk: DurabilityRisk::RedisUnchecked,
        found: "redis: CONFIG GET is refused, so it is unknown when Redis writes to disk".to_owned(),
        fix: "permit it with `ACL SETUSER <user> +config|get`".to_owned(),
    }];
    findings.extend(appendonly.and_then(|value| finding("appendonly", value)));
    findings.extend(value("maxmemory_policy").and_then(|value| finding("maxmemory-policy", value)));
    Ok(findings)
}

/// Returns the risk of a value of a setting, if it has one.
fn finding(setting: &str, value: &str) -> Option<Finding> {
    let (risk, wanted) = match (setting, value) {
        ("appendonly", "yes") | ("appendfsync", "always") | ("maxmemory-policy", "noeviction") => {
            return None;
        }
        ("appendonly", _) => (DurabilityRisk::RedisAppendonlyNo, "yes"),
        ("appendfsync", "everysec") => (DurabilityRisk::RedisAppendfsyncEverysec, "always"),
        ("appendfsync", _) => (DurabilityRisk::RedisAppendfsyncNo, "always"),
        ("no-appendfsync-on-rewrite", "yes") => (DurabilityRisk::RedisNoAppendfsyncOnRewrite, "no"),
        ("maxmemory-policy", _) => (DurabilityRisk::RedisEviction, "noeviction"),
        // The setting and not the number of replicas: a replica that restarts ends no process.
        ("min-replicas-to-write", "0") => (DurabilityRisk::RedisNoReplica, "1"),
        _ => return None,
    };
    Some(Finding {
        risk,
        found: format!("redis: {setting} is {value}"),
        fix: format!("in redis.conf `{setting} {wanted}`, and at once with `CONFIG SET {setting} {wanted}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durability_check_finds_each_weak_setting_and_its_fix() {
        let found = |setting, value| finding(setting, value).map(|finding| (finding.risk, finding.fix));
        for (setting, value) in SETTINGS.into_iter().zip(["yes", "always", "no", "noeviction", "1"]) {
            assert_eq!(found(setting, value), None, "{setting} {value}");
        }
        for (setting, value, risk, line) in [
            ("appendonly", "no", DurabilityRisk::RedisAppendonlyNo, "`appendonly yes`"),
            ("appendfsync", "everysec", DurabilityRisk::RedisAppendfsyncEverysec, "`appendfsync always`"),
            ("appendfsync", "no", DurabilityRisk::RedisAppendfsyncNo, "`CONFIG SET appendfsync always`"),
            (
                "no-appendfsync-on-rewrite",
                "yes",
                DurabilityRisk::RedisNoAppendfsyncOnRewrite,
                "`no-appendfsync-on-rewrite no`",
            ),
            (
                "maxmemory-policy",
                "allkeys-lru",
                DurabilityRisk::RedisEviction,
                "`maxmemory-policy noeviction`",
            ),
            ("min-replicas-to-write", "0", DurabilityRisk::RedisNoReplica, "`min-replicas-to-write 1`"),
            (
                "maxmemory-policy",
                "volatile-ttl",
                DurabilityRisk::RedisEviction,
                "`maxmemory-policy noeviction`",
            ),
        ] {
            let (found, fix) = found(setting, value).unwrap();
            assert_eq!(found, risk);
            assert!(fix.contains(line), "{fix}");
        }
    }
}
