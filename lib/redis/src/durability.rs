//! Whether Redis keeps what it acknowledges: its append-only file, and what it does when memory is full.

use auction_app::ports::durability::{DurabilityRisk, Finding};
use redis::{Value, pipe};
use stream_worker::value::{member, ok, text};
use stream_worker::{DedicatedConnection, StreamError};

/// What is asked, as `CONFIG` names it.
const SETTINGS: [&str; 4] = ["appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy"];

/// Asks the server. One round trip; one more where `CONFIG GET` is not permitted, as on many managed ones.
pub(crate) async fn ask(connection: &mut DedicatedConnection) -> Result<Vec<Finding>, StreamError> {
    let mut commands = pipe();
    for setting in SETTINGS {
        commands.cmd("CONFIG").arg("GET").arg(setting);
    }
    let replies = connection.send(&commands).await?;
    if replies.iter().any(is_refused) {
        return ask_indirectly(connection).await;
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

/// The user may not ask, or the command was taken away. Anything else may pass.
fn is_refused(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if matches!(error.code(), "NOPERM" | "ERR"))
}

/// What `INFO` tells: not when Redis writes to disk.
async fn ask_indirectly(connection: &mut DedicatedConnection) -> Result<Vec<Finding>, StreamError> {
    let mut commands = pipe();
    commands.cmd("INFO").arg("persistence");
    commands.cmd("INFO").arg("memory");
    let replies = connection.send(&commands).await?;
    let mut told = String::new();
    for reply in replies.into_iter().filter(|reply| !is_refused(reply)) {
        told.push_str(text(&ok(reply)?).unwrap_or_default());
    }
    let value = |name: &str| {
        told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
    };
    let appendonly = value("aof_enabled").map(|enabled| if enabled == "0" { "no" } else { "yes" });
    let mut findings = vec![Finding {
        weakness: DurabilityRisk::RedisUnchecked,
        found: "redis: CONFIG GET is refused, so that nobody knows when it writes to disk".to_owned(),
        fix: "permit it with `ACL SETUSER <user> +config|get`".to_owned(),
    }];
    findings.extend(appendonly.and_then(|value| finding("appendonly", value)));
    findings.extend(value("maxmemory_policy").and_then(|value| finding("maxmemory-policy", value)));
    Ok(findings)
}

/// What follows from the value of a setting.
fn finding(setting: &str, value: &str) -> Option<Finding> {
    let (weakness, wanted) = match (setting, value) {
        ("appendonly", "yes") | ("appendfsync", "always") | ("maxmemory-policy", "noeviction") => {
            return None;
        }
        ("appendonly", _) => (DurabilityRisk::RedisAppendonlyNo, "yes"),
        ("appendfsync", "everysec") => (DurabilityRisk::RedisAppendfsyncEverysec, "always"),
        ("appendfsync", _) => (DurabilityRisk::RedisAppendfsyncNo, "always"),
        ("no-appendfsync-on-rewrite", "yes") => (DurabilityRisk::RedisNoAppendfsyncOnRewrite, "no"),
        ("maxmemory-policy", _) => (DurabilityRisk::RedisEviction, "noeviction"),
        _ => return None,
    };
    Some(Finding {
        weakness,
        found: format!("redis: {setting} is {value}"),
        fix: format!("in redis.conf `{setting} {wanted}`, and at once with `CONFIG SET {setting} {wanted}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weak_setting_is_found_and_the_line_to_change_is_said() {
        let found = |setting, value| finding(setting, value).map(|finding| (finding.weakness, finding.fix));
        for (setting, value) in SETTINGS.into_iter().zip(["yes", "always", "no", "noeviction"]) {
            assert_eq!(found(setting, value), None, "{setting} {value}");
        }
        for (setting, value, weakness, line) in [
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
            (
                "maxmemory-policy",
                "volatile-ttl",
                DurabilityRisk::RedisEviction,
                "`maxmemory-policy noeviction`",
            ),
        ] {
            let (is, mend) = found(setting, value).unwrap();
            assert_eq!(is, weakness);
            assert!(mend.contains(line), "{mend}");
        }
    }
}
