//! A Redis that can lose what it acknowledged is not used: every new connection asks.

use auction_app::ports::durability::{Durability, DurabilityRisk};
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

/// What a new connection meets when these are allowed.
async fn met(url: &str, allowed: &[DurabilityRisk]) -> Vec<DurabilityRisk> {
    let durability = Durability::allowing(allowed.iter().copied());
    let server = RedisServer::durability_checked(Client::open(url).unwrap(), durability.clone());
    let connected = server.connect(DEADLINE).await;
    let met = durability.violation();
    assert_eq!(connected.is_err(), met.is_some(), "what is too weak is not used, anything else is");
    met.map(|met| met.findings.iter().map(|finding| finding.weakness).collect()).unwrap_or_default()
}

#[tokio::test]
async fn each_weak_setting_of_a_running_redis_is_met_unless_it_is_allowed() {
    let (servers, _directory) = own_servers().await;
    let url = servers.redis_url();
    assert_eq!(met(url, &[]).await, []);
    for (setting, weak, durable, weakness) in [
        ("appendonly", "no", "yes", DurabilityRisk::RedisAppendonlyNo),
        ("appendfsync", "everysec", "always", DurabilityRisk::RedisAppendfsyncEverysec),
        ("appendfsync", "no", "always", DurabilityRisk::RedisAppendfsyncNo),
        ("no-appendfsync-on-rewrite", "yes", "no", DurabilityRisk::RedisNoAppendfsyncOnRewrite),
        ("maxmemory-policy", "allkeys-lru", "noeviction", DurabilityRisk::RedisEviction),
    ] {
        set(url, setting, weak).await;
        assert_eq!(met(url, &[]).await, [weakness], "{setting} {weak}");
        assert_eq!(met(url, &[weakness]).await, [], "it is allowed");
        set(url, setting, durable).await;
    }
    set(url, "appendfsync", "everysec").await;
    set(url, "maxmemory-policy", "volatile-lru").await;
    assert_eq!(met(url, &[DurabilityRisk::RedisAppendfsyncEverysec]).await, [DurabilityRisk::RedisEviction]);
}

#[tokio::test]
async fn a_redis_that_does_not_say_how_it_is_set_up_is_asked_what_it_does_say() {
    let (servers, _directory) = own_servers().await;
    let url = servers.redis_url();
    let mut user = cmd("ACL");
    user.arg("SETUSER").arg("app").arg("on").arg(">secret").arg("~*").arg("+@all").arg("-config");
    run(url, &user).await;
    let as_app = format!("{url}?user=app&pass=secret");
    assert_eq!(met(&as_app, &[]).await, [DurabilityRisk::RedisUnchecked]);
    assert_eq!(met(&as_app, &[DurabilityRisk::RedisUnchecked]).await, []);
    set(url, "appendonly", "no").await;
    set(url, "maxmemory-policy", "allkeys-lru").await;
    let known = met(&as_app, &[DurabilityRisk::RedisUnchecked]).await;
    assert_eq!(known, [DurabilityRisk::RedisAppendonlyNo, DurabilityRisk::RedisEviction]);
}
