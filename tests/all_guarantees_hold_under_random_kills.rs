//! Two processes of every component, and their backends. Users bid at both ingresses while random processes
//! and backends are killed. Afterwards all guarantees hold.

use crate::support::components::RunningComponents;
use crate::support::http_bidders::{BidResults, HttpBidders};
use crate::support::polling_readers::{PollingReaders, all_events, wait_until_all_notified};
use crate::support::{database, eventually, free_address, is_long_run, output_text, portal};
use auction_domain::{Timestamp, UserId};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_oracle::history::follows_rules;
use auction_oracle::notifications::notifications_match;
use auction_testkit::random::Random;
use auction_wire::time::JsonTime;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const WORKERS: [&str; 5] = ["writer", "projector", "auctioneer", "notifier", "promoter"];

/// Number of auctions of the test.
const AUCTIONS: usize = 24;

/// The running portal and its backends.
struct Portal {
    servers: LocalServers,
    components: RunningComponents,
    /// Address and process id of each ingress.
    ingresses: Vec<(String, u32)>,
    random: Random,
    kills: u32,
}

impl Portal {
    async fn start(directory: &std::path::Path, seed: u64) -> Portal {
        let config = directory.join("settings.toml");
        let mut settings = "[promoter]\noptions = [{ interval_ms = 400 }]\nlease_seconds = 1\n".to_owned();
        for component in ["writer", "projector", "auctioneer"] {
            settings += &format!("[{component}]\nlease_seconds = 1\n");
        }
        // All notifications are kept, so that all can be compared.
        settings += "[notifier]\nlease_seconds = 1\ninterval_ms = 100\ninbox_size = 60000\n";
        std::fs::write(&config, settings).unwrap();
        let servers = LocalServers::start(LocalServerOptions::new(directory.join("data"))).await.unwrap();
        let mut components =
            RunningComponents::new(&servers, &[("AUCTION_CONFIG", config.to_str().unwrap())]);
        for component in WORKERS {
            components.add(component);
            components.add(component);
        }
        let (random, kills, mut ingresses) = (Random::new(seed), 0, Vec::new());
        // The first ingress has the address from the common settings.
        ingresses.push((components.url().replacen("http://", "", 1), components.add("ingress")));
        let second = free_address();
        let pid = components.add_with_settings("ingress", &[("AUCTION__INGRESS__LISTEN", &second)]);
        ingresses.push((second, pid));
        Portal { servers, components, ingresses, random, kills }
    }

    fn urls(&self) -> Vec<String> {
        self.ingresses.iter().map(|(address, _)| format!("http://{address}")).collect()
    }

    /// Kills a random process or backend and starts another in its place.
    async fn kill(&mut self) {
        self.kills += 1;
        match self.random.below(14) {
            0 => {
                println!("redis is killed");
                self.servers.kill_redis().await;
                self.servers.start_redis().await.unwrap();
            }
            1 => {
                println!("postgres is killed");
                self.servers.kill_postgres().await;
                self.servers.start_postgres().await.unwrap();
            }
            2 | 3 => {
                let (address, pid) = self.random.pick(&self.ingresses).clone();
                println!("ingress {pid} is killed");
                self.components.stop_process(pid, "-KILL");
                let new =
                    self.components.add_with_settings("ingress", &[("AUCTION__INGRESS__LISTEN", &address)]);
                self.ingresses.iter_mut().filter(|(_, old)| *old == pid).for_each(|(_, pid)| *pid = new);
            }
            _ => {
                let component = *self.random.pick(&WORKERS);
                let pid = *self.random.pick(&self.components.pids(component));
                println!("{component} {pid} is killed");
                self.components.stop_process(pid, "-KILL");
                self.components.add(component);
            }
        }
    }

    /// Kills random processes until this time, several per second.
    async fn kill_until(&mut self, until: Instant) {
        while Instant::now() < until {
            self.kill().await;
            let pause = Duration::from_millis(100 + self.random.below(500));
            tokio::time::sleep(pause).await; // interval between two kills
        }
    }

    /// Waits until the store has at least `events` events of these kinds.
    async fn wait_for_events(&self, events: usize, kinds: &[&str]) {
        let count = "SELECT count(*) FROM events WHERE kind = ANY ($1)";
        let database = database(self.servers.database_url()).await;
        eventually(&format!("{events} of {kinds:?}"), || async {
            let row = database.query_one(count, &[&kinds]).await.unwrap();
            (row.get::<_, i64>(0) >= events as i64).then_some(())
        })
        .await;
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = portal();
        command.args(arguments);
        command.env("REDIS_URL", self.servers.redis_url());
        let output = command.env("DATABASE_URL", self.servers.database_url()).output().unwrap();
        assert!(output.status.success(), "portal {arguments:?}: {}", output_text(&output));
    }
}

/// Returns the request for auction `n`. Auctions end one after the other within `duration`. Every third has a
/// soft close, every fifth a reserve, and three of four are promoted.
fn auction_request(n: usize, duration: Duration) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ends_at = now + duration / 3 + duration * 2 / 3 * u32::try_from(n + 1).unwrap() / AUCTIONS as u32;
    let ends_at = JsonTime(Timestamp(i64::try_from(ends_at.as_millis()).unwrap()));
    let mut request = json!({"title": format!("Lot {n}"), "currency": "EUR", "opening_bid": 20_000,
        "ends_at": ends_at, "promoted": n % 4 != 3});
    if n.is_multiple_of(3) {
        let soft = json!({"extend_by_seconds": 1, "within_seconds": 1, "at_most": 3});
        request["soft_close"] = soft;
    }
    if n.is_multiple_of(5) {
        request["reserve"] = json!(21_000);
    }
    request
}

#[tokio::test]
async fn portal_keeps_all_guarantees_under_random_kills() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let mut portal = Portal::start(directory.path(), seed).await;
    let duration = Duration::from_secs(if is_long_run() { 300 } else { 20 });

    let bidders = HttpBidders::new(&portal.urls());
    let users = bidders.create_users(12).await;
    let mut auctions = Vec::new();
    let until = Instant::now() + duration;
    for n in 0..AUCTIONS {
        auctions.push(bidders.create_auction(users[0], auction_request(n, duration)).await);
    }
    let bids = bidders.bid(&users[1..], &auctions, until, seed);
    portal.kill_until(until).await;
    let mut results = BidResults::default();
    for one in bids.join_all().await {
        results.accepted.extend(one.accepted);
        results.pending.extend(one.pending);
        results.refused += one.refused;
    }
    println!(
        "{} kills, {} bids accepted, {} pending, {} refused",
        portal.kills,
        results.accepted.len(),
        results.pending.len(),
        results.refused
    );

    portal.wait_for_events(AUCTIONS, &["winner_announced", "auction_closed_unsold"]).await;
    portal.wait_for_events(AUCTIONS - AUCTIONS / 4, &["seed_revealed"]).await;
    check(&portal, &users, &auctions, &results).await;
    let ended = portal.components.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    portal.servers.stop().await.unwrap();
}

async fn check(portal: &Portal, users: &[UserId], auctions: &[String], results: &BidResults) {
    let database = database(portal.servers.database_url()).await;
    assert_every_bid_has_its_outcome(&database, results).await;
    wait_until_all_notified(&database).await;
    let events = all_events(&database).await;
    follows_rules(&events).unwrap();
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    let (sold, unsold, doubled) =
        (count("winner_announced"), count("auction_closed_unsold"), count("bid_doubled"));
    println!("{sold} auctions sold, {unsold} not, {} bids, {doubled} doubled", count("bid_placed"));
    assert_eq!((count("auction_created"), sold + unsold), (AUCTIONS, AUCTIONS));
    assert!(sold > 0 && doubled > 0, "some auctions were sold and some bids doubled");
    let mut readers = PollingReaders::new(users, &portal.components.url());
    readers.poll_until_complete(&database).await;
    let notifications = readers.notifications();
    println!("{} notifications", notifications.len());
    notifications_match(&events, &notifications, &|_, _| true).unwrap();
    portal.run(&["verify"]);
    portal.run(&["rebuild"]);
    portal.run(&["verify"]);
    for (n, auction) in auctions.iter().enumerate().filter(|(n, _)| n % 4 != 3) {
        println!("draws of auction {n}");
        portal.run(&["draws", "verify", auction]);
    }
}

/// Asserts that every bid answered with 201 is in its auction once, and that every bid answered with 202 was
/// decided.
async fn assert_every_bid_has_its_outcome(database: &tokio_postgres::Client, results: &BidResults) {
    let placed = "SELECT count(*), count(DISTINCT command_id) FROM events \
                  WHERE kind = 'bid_placed' AND command_id = ANY ($1)";
    let row = database.query_one(placed, &[&results.accepted]).await.unwrap();
    let accepted = results.accepted.len() as i64;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (accepted, accepted));
    let known: Vec<Uuid> = results.accepted.iter().chain(&results.pending).copied().collect();
    eventually("all bids are decided", || async {
        let decided = "SELECT count(*) FROM command_outcomes WHERE command_id = ANY ($1)";
        let decided: i64 = database.query_one(decided, &[&known]).await.unwrap().get(0);
        (decided == known.len() as i64).then_some(())
    })
    .await;
}
