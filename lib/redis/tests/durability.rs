//! Durability check on a real Redis: a server that can lose acknowledged writes is not used.

use auction_durability::{Durability, DurabilityRisk};
use auction_redis::RedisServer;
use auction_testkit::local_servers::own_servers;
use redis::{Client, Cmd, cmd};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

async fn run(url: &str, command: &Cmd) {
    let mut connection = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    command.query_async::<()>(&mut connection).await.unwrap();
}

async fn set(url: &str, setting: &str, value: &str) {
    run(url, cmd("CONFIG").arg("SET").arg(setting).arg(value)).await;
}

/// Returns the risks that make a new connection fail when the risks in `allowed` are accepted.
async fn violations(url: &str, allowed: &[DurabilityRisk]) -> Vec<DurabilityRisk> {
    let durability = Durability::allowing(allowed.iter().copied());
    let server = RedisServer::checked(Client::open(url).unwrap(), durability.clone());
    let connected = server.connect(DEADLINE).await;
    let violation = durability.violation();
    assert_eq!(connected.is_err(), violation.is_some());
    violation
        .map(|violation| violation.findings.iter().map(|finding| finding.risk).collect())
        .unwrap_or_default()
}

#[tokio::test]
async fn connect_fails_for_each_weak_setting_unless_allowed() {
    let (servers, _directory) = own_servers().await;
    let url = servers.redis_url();
    assert_eq!(violations(url, &[]).await, []);
    for (setting, weak, durable, risk) in [
        ("appendonly", "no", "yes", DurabilityRisk::RedisAppendonlyNo),
        ("appendfsync", "everysec", "always", DurabilityRisk::RedisAppendfsyncEverysec),
        ("appendfsync", "no", "always", DurabilityRisk::RedisAppendfsyncNo),
        ("no-appendfsync-on-rewrite", "yes", "no", DurabilityRisk::RedisNoAppendfsyncOnRewrite),
        ("maxmemory-policy", "allkeys-lru", "noeviction", DurabilityRisk::RedisEviction),
    ] {
        set(url, setting, weak).await;
        assert_eq!(violations(url, &[]).await, [risk], "{setting} {weak}");
        assert_eq!(violations(url, &[risk]).await, [], "it is allowed");
        set(url, setting, durable).await;
    }
    set(url, "appendfsync", "everysec").await;
    set(url, "maxmemory-policy", "volatile-lru").await;
    assert_eq!(
        violations(url, &[DurabilityRisk::RedisAppendfsyncEverysec]).await,
        [DurabilityRisk::RedisEviction]
    );
}

#[tokio::test]
async fn durability_check_uses_info_if_config_is_refused() {
    let (servers, _directory) = own_servers().await;
    let url = servers.redis_url();
    let mut user = cmd("ACL");
    user.arg("SETUSER").arg("app").arg("on").arg(">secret").arg("~*").arg("+@all").arg("-config");
    run(url, &user).await;
    let as_app = format!("{url}?user=app&pass=secret");
    assert_eq!(violations(&as_app, &[]).await, [DurabilityRisk::RedisUnchecked]);
    assert_eq!(violations(&as_app, &[DurabilityRisk::RedisUnchecked]).await, []);
    set(url, "appendonly", "no").await;
    set(url, "maxmemory-policy", "allkeys-lru").await;
    let known = violations(&as_app, &[DurabilityRisk::RedisUnchecked]).await;
    assert_eq!(known, [DurabilityRisk::RedisAppendonlyNo, DurabilityRisk::RedisEviction]);
}
