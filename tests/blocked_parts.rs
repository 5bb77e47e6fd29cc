//! Each part of each process is blocked at its real wait, and shows as not ready in time, at `/readyz` and in the
//! log. So do partitions without an owner.

use crate::support::components::RunningComponents;
use crate::support::moving_address::MovingAddresses;
use crate::support::servers::TestServers;
use crate::support::sse_connection::SseConnection;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const COMPONENTS: [&str; 6] = ["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"];

/// Longest time until a blocked part shows.
const NOTICED: Duration = Duration::from_secs(15);

/// Parts that wait for Redis. Those of a partition end with its leases, since another process may own it then.
const OF_REDIS: [&str; 25] = [
    "auctioneer closing",
    "auctioneer command queue",
    "auctioneer leases",
    "auctioneer owners",
    "ingress announcements",
    "ingress command queue",
    "ingress decisions",
    "ingress live updates",
    "ingress load",
    "ingress read model positions",
    "ingress redis",
    "ingress replies",
    "ingress revocations",
    "notifier announcements",
    "notifier leases",
    "notifier owners",
    "projector leases",
    "projector owners",
    "promoter command queue",
    "promoter draws",
    "promoter leases",
    "promoter owners",
    "retention",
    "writer leases",
    "writer owners",
];

/// Parts that wait for Postgres.
const OF_POSTGRES: [&str; 21] = [
    "auctioneer 00",
    "auctioneer 01",
    "auctioneer closing",
    "ingress draw options",
    "ingress postgres",
    "ingress read model positions",
    "ingress token revalidation",
    "notifier 00",
    "notifier 01",
    "notifier email",
    "notifier inboxes 00",
    "notifier inboxes 01",
    "notifier webhooks",
    "projector 00",
    "projector 01",
    "promoter 00",
    "promoter 01",
    "promoter draw options",
    "retention",
    "writer 00",
    "writer 01",
];

/// Part that waits for Postgres only while it has work.
const OF_A_LOCK: &str = "writer snapshots";

/// Parts that no server blocks. This one accepts connections: it waits only for the network of its process.
const NEVER_BLOCKED: [&str; 1] = ["ingress connections"];

/// Running components, with work for all of their parts.
struct BusyPortal {
    addresses: MovingAddresses,
    components: RunningComponents,
    admins: Vec<String>,
    sue: TestUser,
    auction: String,
    /// User with a session token, which is checked while it is in use.
    ann: TestUser,
    _live: SseConnection,
}

impl BusyPortal {
    async fn start(servers: &TestServers) -> BusyPortal {
        let addresses = MovingAddresses::of(servers).await;
        // Draws are due at some time, so that the promoter waits for it.
        let config = servers.directory().join("settings.toml");
        std::fs::write(&config, "[promoter]\noptions = [{ interval_ms = 600000 }]\n").unwrap();
        let (redis_url, database_url) = (addresses.redis_url(), addresses.database_url());
        let settings = [
            ("AUCTION_CONFIG", config.to_str().unwrap()),
            ("REDIS_URL", &redis_url),
            ("DATABASE_URL", &database_url),
            ("AUCTION__PARTITIONS", "2"),
            ("AUCTION__RETENTION__INTERVAL_MS", "1000"),
            ("AUCTION__WRITER__SNAPSHOT_EVENTS", "1"),
            ("AUCTION__INGRESS__TOKEN_REVALIDATE_SECONDS", "1"),
            ("AUCTION__EMAIL__SMTP_URL", "smtp://127.0.0.1:1"),
            ("AUCTION__EMAIL__FROM", "portal@example.org"),
        ];
        let mut components = RunningComponents::new(servers, &settings);
        let admins: Vec<String> = COMPONENTS.iter().map(|_| free_address()).collect();
        for (component, admin) in COMPONENTS.into_iter().zip(&admins) {
            components.add_with_settings(component, &[("AUCTION__ADMIN_LISTEN", admin)]);
        }
        components.wait_until_ready().await;
        let url = components.url();
        let sue = TestUser::new(&url).await;
        let auction = sue.create_auction(json!({})).await;
        let stream = sue.url(&format!("/auction/{auction}/live"));
        let account = json!({"email": "ann@example.org", "name": "Ann", "password": "correct horse battery"});
        let anonymous = TestUser::anonymous(&url);
        anonymous.post("/sign-up", account, &[("prefer", "wait=30")]).await.assert_status(201);
        let credentials = json!({"email": "ann@example.org", "password": "correct horse battery"});
        let session = anonymous.post("/sign-in", credentials, &[]).await;
        let ann = TestUser::with_token(&url, Some(session.text("token")));
        let _live = SseConnection::open(&stream, &[]).await;
        let portal = BusyPortal { addresses, components, admins, sue, auction, ann, _live };
        portal.wait_until_ready().await;
        portal
    }

    /// Returns the check of each part of all processes.
    async fn checks(&self) -> BTreeMap<String, Value> {
        let mut checks = BTreeMap::new();
        for admin in &self.admins {
            let readiness = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
            let body: Value = readiness.json().await.unwrap();
            checks.extend(body["checks"].as_object().unwrap().clone());
        }
        checks
    }

    /// Waits until each part of the tables exists and is up.
    async fn wait_until_ready(&self) {
        let all: BTreeSet<&str> = OF_REDIS.into_iter().chain(OF_POSTGRES).collect();
        eventually("all parts are up", || async {
            let checks = self.checks().await;
            let are_up = checks.values().all(|check| check["status"] == "up");
            (are_up && all.iter().all(|part| checks.contains_key(*part))).then_some(())
        })
        .await;
    }

    /// Asserts that these parts show as not ready in time, and that each is in a log line.
    async fn assert_noticed(&self, parts: &[&str], blocked_by: &str) {
        let began = Instant::now();
        let mut ready: BTreeSet<&str> = parts.iter().copied().collect();
        while !ready.is_empty() {
            assert!(began.elapsed() < NOTICED, "{ready:?} are not blocked by {blocked_by}");
            // The token stays in use.
            let inbox = self.ann.get("/notifications", &[]);
            let _ = tokio::time::timeout(Duration::from_millis(200), inbox).await;
            let checks = self.checks().await;
            ready.retain(|part| checks.get(*part).is_some_and(|check| check["status"] == "up"));
        }
        for part in parts {
            eventually(&format!("{part} is logged, blocked by {blocked_by}"), || async {
                let quoted = format!("=\"{part}\"");
                COMPONENTS
                    .iter()
                    .any(|component| self.components.logs(component).contains(&quoted))
                    .then_some(())
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_parts_are_not_ready_and_logged_in_time() {
    let servers = TestServers::start().await;
    let portal = BusyPortal::start(&servers).await;
    let known = OF_REDIS.into_iter().chain(OF_POSTGRES).chain(NEVER_BLOCKED).chain([OF_A_LOCK]);
    let known: BTreeSet<&str> = known.collect();
    let unknown: Vec<String> =
        portal.checks().await.into_keys().filter(|part| !known.contains(part.as_str())).collect();
    assert_eq!(unknown, [""; 0], "add new parts to the tables");

    portal.addresses.silence_redis(true);
    portal.assert_noticed(&OF_REDIS, "Redis").await;
    portal.addresses.silence_redis(false);
    portal.wait_until_ready().await;
    portal.addresses.silence_postgres(true);
    portal.assert_noticed(&OF_POSTGRES, "Postgres").await;
    portal.addresses.silence_postgres(false);
    portal.wait_until_ready().await;
    blocked_snapshots_are_noticed(&servers, &portal).await;
    partitions_without_an_owner_are_noticed(&servers, &portal).await;
    portal.components.terminate();
}

/// Snapshots are written while a migration of an operator, for example, locks their table.
async fn blocked_snapshots_are_noticed(servers: &TestServers, portal: &BusyPortal) {
    let migration = servers.database().await;
    migration.batch_execute("BEGIN; LOCK TABLE snapshots IN SHARE MODE").await.unwrap();
    let ada = TestUser::new(&portal.components.url()).await;
    ada.bid(&portal.auction, 10_000).await.assert_status(201);
    portal.assert_noticed(&[OF_A_LOCK], "the lock").await;
    migration.batch_execute("ROLLBACK").await.unwrap();
    portal.wait_until_ready().await;
}

/// A lease is renewed for a writer that is not registered, so that no process acquires it.
async fn partitions_without_an_owner_are_noticed(servers: &TestServers, portal: &BusyPortal) {
    const UNOWNED: &str = "partitions without an owner: 00";
    let owners = || async { portal.checks().await["writer owners"]["reason"].as_str().map(str::to_owned) };
    eventually(UNOWNED, || async {
        servers.run_redis(&["SET", "ap:{00}:lease:writer", "gone writer", "PX", "3000"]).await;
        owners().await.filter(|reason| reason == UNOWNED)
    })
    .await;
    let log = portal.components.logs("writer");
    assert!(log.contains("partitions without an owner component=\"writer\" partitions=\"00\""), "{log}");
    // The lease expires when it is not renewed.
    portal.wait_until_ready().await;
    portal.sue.create_auction(json!({})).await;
}
