//! Redis and Postgres fail over, become read-only or close idle connections. The portal follows them without a
//! restart, and no accepted command is lost.

use crate::support::components::RunningComponents;
use crate::support::moving_address::MovingAddresses;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address, output_text};
use auction_domain::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;
use uuid::Uuid;

const COMPONENTS: [&str; 6] = ["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"];

/// Longest time until every component works again after a new primary can be reached.
const RECOVERY: Duration = Duration::from_secs(10);

/// Statement that ends all sessions of the portal.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                            WHERE datname = 'auction' AND pid <> pg_backend_pid()";

/// A portal on addresses that move, with users.
struct FailoverPortal {
    addresses: MovingAddresses,
    components: RunningComponents,
    /// Admin addresses of all processes.
    admins: Vec<String>,
    sue: TestUser,
    ada: Arc<TestUser>,
}

impl FailoverPortal {
    async fn start(servers: &TestServers) -> FailoverPortal {
        let addresses = MovingAddresses::of(servers).await;
        let urls = [("REDIS_URL", addresses.redis_url()), ("DATABASE_URL", addresses.database_url())];
        let settings: Vec<(&'static str, &str)> =
            urls.iter().map(|(name, url)| (*name, url.as_str())).collect();
        let mut components = RunningComponents::new(servers, &settings);
        let admins: Vec<String> = COMPONENTS.iter().map(|_| free_address()).collect();
        for (component, admin) in COMPONENTS.into_iter().zip(&admins) {
            components.add_with_settings(component, &[("AUCTION__ADMIN_LISTEN", admin)]);
        }
        components.wait_until_ready().await;
        let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
        let portal = FailoverPortal { addresses, components, admins, sue, ada: Arc::new(ada) };
        portal.wait_until_all_ready().await;
        portal
    }

    async fn wait_until_all_ready(&self) {
        for (component, admin) in COMPONENTS.into_iter().zip(&self.admins) {
            let url = format!("http://{admin}/readyz");
            eventually(&format!("{component} is ready"), || async {
                reqwest::get(&url).await.is_ok_and(|response| response.status() == 200).then_some(())
            })
            .await;
        }
    }

    /// Asserts that every component works: commands are decided, read models follow, auctions close, and users
    /// are notified, all within [`RECOVERY`] of now.
    async fn assert_recovery(&self, of: &str) {
        let began = Instant::now();
        let ends_at = in_seconds(4);
        let auction = eventually("an auction is created", || async {
            let body = json!({"title": "Lamp", "currency": "USD", "opening_bid": 100, "ends_at": ends_at});
            let created = self.sue.post("/auctions", body, &[("prefer", "wait=5")]).await;
            (created.status == 201).then(|| created.text("auction"))
        })
        .await;
        eventually("a bid is decided", || async {
            let bid = self.ada.bid(&auction, 1000).await;
            assert_ne!(bid.status, 422, "{of}: {bid:?}");
            (bid.status == 201).then_some(())
        })
        .await;
        eventually("the auction is closed", || async {
            let read = self.ada.get(&format!("/auction/{auction}"), &[]).await;
            (read.body["status"] == "closed").then_some(())
        })
        .await;
        eventually("the winner is notified", || async {
            let inbox = self.ada.get("/notifications", &[]).await.body.to_string();
            (inbox.contains(&auction) && inbox.contains("auction_won")).then_some(())
        })
        .await;
        eventually("accounts can be created", || async {
            let account = json!({"email": format!("{}@example.org", Uuid::new_v4()), "name": "Ada",
                "password": "correct horse battery"});
            let anonymous = TestUser::anonymous(&self.components.url());
            let created = anonymous.post("/sign-up", account, &[("prefer", "wait=5")]).await;
            (created.status == 201).then_some(())
        })
        .await;
        self.wait_until_all_ready().await;
        assert!(began.elapsed() < RECOVERY, "{of}: recovered after {:?}", began.elapsed());
    }

    /// Waits until the readiness of a component contains this reason.
    async fn wait_for_reason(&self, component: &str, reason: &str) {
        let index = COMPONENTS.iter().position(|name| *name == component).unwrap();
        let url = format!("http://{}/readyz", self.admins[index]);
        eventually(&format!("{component} waits because {reason:?}"), || async {
            let readiness = reqwest::get(&url).await.ok()?.text().await.ok()?;
            readiness.contains(reason).then_some(())
        })
        .await;
    }
}

/// Returns the time in this many seconds, as the HTTP API reads it.
fn in_seconds(seconds: u64) -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(seconds);
    auction_wire::time::format(Timestamp(time.as_millis().try_into().unwrap()))
}

/// Bids that one user places continuously.
struct BidLoad {
    stop: Arc<AtomicBool>,
    /// Returns the handles of the commands that were accepted.
    bids: JoinHandle<Vec<String>>,
}

impl BidLoad {
    async fn start(portal: &FailoverPortal) -> BidLoad {
        let auction = portal.sue.create_auction(json!({})).await;
        let (ada, stop) = (Arc::clone(&portal.ada), Arc::<AtomicBool>::default());
        let until = Arc::clone(&stop);
        let bids = tokio::spawn(async move {
            let mut accepted = Vec::new();
            for amount in (10_000..).step_by(100) {
                if until.load(Ordering::Relaxed) {
                    break;
                }
                let path = format!("/auction/{auction}/bid");
                let bid = ada.put(&path, json!({"amount": amount}), &[("prefer", "wait=5")]).await;
                match bid.status.as_u16() {
                    201 | 202 => accepted.push(bid.text("command")),
                    503 => {}
                    _ => panic!("{bid:?}"),
                }
            }
            accepted
        });
        BidLoad { stop, bids }
    }

    /// Stops the load, and asserts that each accepted command is decided.
    async fn assert_none_lost(self, portal: &FailoverPortal) {
        self.stop.store(true, Ordering::Relaxed);
        let accepted = self.bids.await.unwrap();
        assert!(accepted.len() > 10, "only {} bids were accepted", accepted.len());
        for command in accepted {
            let status = format!("/command/{command}");
            let decided = portal.ada.get(&status, &[("prefer", "return=representation, wait=30")]).await;
            assert_eq!(decided.body["status"], "done", "{decided:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn portal_follows_its_backends_without_a_restart() {
    // One pair of servers: each case begins when the portal has recovered from the one before.
    let first = TestServers::start().await;
    let portal = FailoverPortal::start(&first).await;
    closed_idle_connections_cost_no_request(&first, &portal).await;
    read_only_postgres_is_waited_for(&first, &portal).await;
    let second = first.start_standby(&portal.addresses.database_url()).await;
    components_wait_at_a_standby(&first, &second).await;
    operator_commands_are_refused_at_a_standby(&first, &second);
    // A commit waits for the standby, and the failover of Redis waits for the replica: nothing may be lost.
    first.run_sql("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    first.run_sql("SELECT pg_reload_conf()").await;
    let load = BidLoad::start(&portal).await;
    redis_fails_over_with_connections_kept(&first, &second, &portal).await;
    postgres_fails_over(first, &second, &portal).await;
    load.assert_none_lost(&portal).await;
    second.verify();
    portal.components.terminate();
}

/// A server closes connections that are idle for some time (`timeout`, `idle_session_timeout`).
async fn closed_idle_connections_cost_no_request(servers: &TestServers, portal: &FailoverPortal) {
    let auction = portal.sue.create_auction(json!({})).await;
    let anonymous = TestUser::anonymous(&portal.components.url());
    for round in 0..5_u64 {
        servers.run_redis(&["CLIENT", "KILL", "TYPE", "normal"]).await;
        portal.ada.bid(&auction, 10_000 + 100 * round).await.assert_status(201);
        servers.run_sql(END_SESSIONS).await;
        let account = json!({"email": format!("idle-{round}@example.org"), "name": "Ada",
            "password": "correct horse battery"});
        anonymous.post("/sign-up", account, &[("prefer", "wait=30")]).await.assert_status(201);
    }
}

/// New sessions are read-only, as during maintenance, and then writable again.
async fn read_only_postgres_is_waited_for(servers: &TestServers, portal: &FailoverPortal) {
    servers.run_sql("ALTER DATABASE auction SET default_transaction_read_only = on").await;
    servers.run_sql(END_SESSIONS).await;
    let anonymous = TestUser::anonymous(&portal.components.url());
    let account = json!({"email": "eve@example.org", "name": "Eve", "password": "correct horse battery"});
    anonymous.post("/sign-up", account, &[]).await.assert_problem(503, "temporarily_unavailable");
    for component in ["ingress", "notifier"] {
        portal.wait_for_reason(component, "the server is read-only").await;
    }
    servers.run_sql("ALTER DATABASE auction RESET default_transaction_read_only").await;
    portal.assert_recovery("read-only Postgres").await;
}

/// Reasons why a server cannot be used.
const REPLICA: &str = "redis: the server is a replica";
const STANDBY: &str = "postgres: the server is a standby";

/// Processes that start on a replica or standby wait, and log the reason.
async fn components_wait_at_a_standby(primary: &TestServers, standby: &TestServers) {
    for (redis, postgres, reason, other) in
        [(standby, primary, REPLICA, STANDBY), (primary, standby, STANDBY, REPLICA)]
    {
        let urls = [("REDIS_URL", redis.redis_url()), ("DATABASE_URL", postgres.database_url())];
        let mut waiting = RunningComponents::new(primary, &urls);
        waiting.add_all(["writer", "ingress"]);
        for component in ["writer", "ingress"] {
            eventually(&format!("{component} logs {reason:?}"), || async {
                waiting.logs(component).contains(reason).then_some(())
            })
            .await;
            assert!(!waiting.logs(component).contains(other), "{}", waiting.logs(component));
        }
        waiting.terminate();
    }
}

/// Commands of operators do not wait: they end with the reason.
fn operator_commands_are_refused_at_a_standby(primary: &TestServers, standby: &TestServers) {
    for (redis, postgres, reason) in [(standby, primary, REPLICA), (primary, standby, STANDBY)] {
        for arguments in
            [&["dead-letters", "list"][..], &["verify"], &["streams"], &["streams", "repair"], &["rebuild"]]
        {
            let mut command = primary.portal(arguments);
            command.env("REDIS_URL", redis.redis_url()).env("DATABASE_URL", postgres.database_url());
            let refused = command.output().unwrap();
            let text = output_text(&refused);
            assert!(!refused.status.success() && text.contains(reason), "{arguments:?}: {text}");
        }
    }
    for arguments in
        [&["accounts", "show", "sue@example.org"][..], &["parked-events", "list"], &["api-keys", "list"]]
    {
        let refused = standby.portal(arguments).output().unwrap();
        assert!(output_text(&refused).contains(STANDBY), "{arguments:?}: {}", output_text(&refused));
    }
}

/// The old primary becomes a replica and keeps its connections; new connections lead to the new primary.
async fn redis_fails_over_with_connections_kept(
    old: &TestServers,
    new: &TestServers,
    portal: &FailoverPortal,
) {
    old.run_redis(&["FAILOVER"]).await;
    eventually("the roles have changed", || async {
        let (old, new) = (old.redis_info("replication").await, new.redis_info("replication").await);
        (old.contains("role:slave") && new.contains("role:master")).then_some(())
    })
    .await;
    portal.addresses.move_redis_to(new);
    portal.assert_recovery("failover of Redis").await;
}

async fn postgres_fails_over(mut old: TestServers, new: &TestServers, portal: &FailoverPortal) {
    old.kill_postgres().await;
    portal.addresses.move_postgres_to(new);
    portal.wait_for_reason("writer", "the server is a standby").await;
    new.run_sql("SELECT pg_promote()").await;
    portal.assert_recovery("failover of Postgres").await;
}
