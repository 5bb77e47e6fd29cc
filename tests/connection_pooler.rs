//! A connection pooler between the portal and Postgres: one that gives each client a session works, every other
//! one is refused by name.
//!
//! With `AUCTION_PGBOUNCER_URL`, the URL of a database behind another PgBouncer in transaction mode, that one is
//! tested, too.

use crate::support::components::{RunningComponents, program};
use crate::support::moving_address::MovingAddresses;
use crate::support::output_text;
use crate::support::pg_bouncer::PgBouncer;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use serde_json::json;
use std::process::Command;

const COMPONENTS: [&str; 6] = ["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"];

/// PgBouncer rejects the settings of sessions without this line.
const IGNORE_OPTIONS: &str = "ignore_startup_parameters = options";

/// Asserts that each component, and a command of operators, refuse the pooler and say what to do.
fn assert_refused(servers: &TestServers, database_url: &str, pooler: &str) {
    let components = COMPONENTS.map(|component| (component, Command::new(program(component))));
    for (name, mut command) in components.into_iter().chain([("rebuild", servers.portal(&["rebuild"]))]) {
        command.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", database_url);
        let refused = command.output().unwrap();
        let text = output_text(&refused);
        assert!(!refused.status.success(), "{name} behind {pooler}: {text}");
        for part in ["connection pooler", "DATABASE_URL", "pool_mode = session", IGNORE_OPTIONS] {
            assert!(text.contains(part), "{name} behind {pooler}: {part} is not in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pooler_without_sessions_is_refused_by_name() {
    let servers = TestServers::start().await;
    let addresses = MovingAddresses::of(&servers).await;
    for settings in [
        &["pool_mode = transaction"][..],
        &["pool_mode = transaction", IGNORE_OPTIONS],
        &["pool_mode = statement", IGNORE_OPTIONS],
    ] {
        let pooler = PgBouncer::start(&addresses.database_url(), settings).await;
        assert_refused(&servers, &pooler.database_url(), &settings.join(", "));
    }
    if let Ok(url) = std::env::var("AUCTION_PGBOUNCER_URL") {
        assert_refused(&servers, &url, "AUCTION_PGBOUNCER_URL");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let row = servers.database().await.query_one(tables, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "the database was not migrated");
}

#[tokio::test(flavor = "multi_thread")]
async fn portal_works_behind_a_pooler_in_session_mode() {
    let servers = TestServers::start().await;
    let addresses = MovingAddresses::of(&servers).await;
    let settings = ["pool_mode = session", IGNORE_OPTIONS, "default_pool_size = 350"];
    let pooler = PgBouncer::start(&addresses.database_url(), &settings).await;
    let mut components = RunningComponents::new(&servers, &[("DATABASE_URL", &pooler.database_url())]);
    components.add_all(COMPONENTS);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    ada.bid(&sue.create_auction(json!({})).await, 10_000).await.assert_status(201);
    components.terminate();
}
