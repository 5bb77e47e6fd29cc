//! All roles as processes of their own, two of each, and their servers; people bid through both ingresses.
//! One process after the other is killed, whichever it is. In the end everything is as it was promised.

use crate::support::components::Roles;
use crate::support::polling_readers::{PollingReaders, all_events, all_told};
use crate::support::subscriber_pool::{SseEvents, SubscriberPool};
use crate::support::{database, eventually, long, own_address, portal, text};
use auction_domain::{Timestamp, UserId};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::auction_model::{ModelSummary, assert_follows_rules};
use auction_testkit::notification_model::assert_notifications_match_model;
use auction_testkit::random::Random;
use auction_wire::time::JsonTime;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const FOLLOWERS_AND_WRITERS: [&str; 5] = ["writer", "projector", "auctioneer", "notifier", "promoter"];

/// Auctions of a test.
const AUCTIONS: usize = 24;

/// Everything that runs.
struct Portal {
    servers: LocalServers,
    roles: Roles,
    /// Their addresses, and the processes that listen there.
    ingresses: Vec<(String, u32)>,
    random: Random,
    kills: u32,
}

impl Portal {
    async fn start(directory: &std::path::Path, seed: u64) -> Portal {
        let config = directory.join("settings.toml");
        let mut settings = "[promoter]\noptions = [{ every_ms = 400 }]\nlease_seconds = 1\n".to_owned();
        for role in ["writer", "projector", "auctioneer"] {
            settings += &format!("[{role}]\nlease_seconds = 1\n");
        }
        // All notifications are kept, so that all can be compared.
        settings += "[notifier]\nlease_seconds = 1\ninterval_ms = 100\ninbox_keeps = 60000\n";
        std::fs::write(&config, settings).unwrap();
        let servers = LocalServers::start(LocalServerOptions::new(directory.join("data"))).await.unwrap();
        let mut roles = Roles::none(&servers, &[("AUCTION_CONFIG", config.to_str().unwrap())]);
        for role in FOLLOWERS_AND_WRITERS {
            roles.add(role);
            roles.add(role);
        }
        let (random, kills, mut ingresses) = (Random::new(seed), 0, Vec::new());
        // The first one listens where `roles` says.
        ingresses.push((roles.url().replacen("http://", "", 1), roles.add("ingress")));
        let second = own_address();
        let pid = roles.add_with("ingress", &[("AUCTION__INGRESS__LISTEN", &second)]);
        ingresses.push((second, pid));
        Portal { servers, roles, ingresses, random, kills }
    }

    fn urls(&self) -> Vec<String> {
        self.ingresses.iter().map(|(address, _)| format!("http://{address}")).collect()
    }

    /// Kills one process, whichever it is, and starts another in its place.
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
                self.roles.end(pid, "-KILL");
                let new = self.roles.add_with("ingress", &[("AUCTION__INGRESS__LISTEN", &address)]);
                self.ingresses.iter_mut().filter(|(_, old)| *old == pid).for_each(|(_, pid)| *pid = new);
            }
            _ => {
                let role = *self.random.pick(&FOLLOWERS_AND_WRITERS);
                let pid = *self.random.pick(&self.roles.pids(role));
                println!("{role} {pid} is killed");
                self.roles.end(pid, "-KILL");
                self.roles.add(role);
            }
        }
    }

    /// Kills processes until that time, several in a second.
    async fn kill_until(&mut self, until: Instant) {
        while Instant::now() < until {
            self.kill().await;
            let pause = Duration::from_millis(100 + self.random.below(500));
            tokio::time::sleep(pause).await; // from one kill to the next
        }
    }

    /// Waits until the store has so many events of these kinds.
    async fn has(&self, events: usize, kinds: &[&str]) {
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
        assert!(output.status.success(), "portal {arguments:?}: {}", text(&output));
    }
}

/// What is on offer: it ends at some time within `lasts`; every third may be extended, every fifth has a
/// reserve.
fn offer(n: usize, lasts: Duration) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ends_at = now + lasts / 3 + lasts * 2 / 3 * u32::try_from(n + 1).unwrap() / AUCTIONS as u32;
    let ends_at = JsonTime(Timestamp(i64::try_from(ends_at.as_millis()).unwrap()));
    let mut offer = json!({"title": format!("Lot {n}"), "currency": "EUR", "opening_bid": 20_000,
        "ends_at": ends_at, "promoted": n % 4 != 3});
    if n.is_multiple_of(3) {
        let soft = json!({"extend_by_seconds": 1, "within_seconds": 1, "at_most": 3});
        offer["soft_close"] = soft;
    }
    if n.is_multiple_of(5) {
        offer["reserve"] = json!(21_000);
    }
    offer
}

#[tokio::test]
async fn two_of_each_role_killed_at_random_under_load_keep_every_promise() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let mut portal = Portal::start(directory.path(), seed).await;
    let lasts = Duration::from_secs(if long() { 300 } else { 20 });

    let crowd = SubscriberPool::new(&portal.urls());
    let users = crowd.sign_up(12).await;
    let mut auctions = Vec::new();
    let until = Instant::now() + lasts;
    for n in 0..AUCTIONS {
        auctions.push(crowd.offer(users[0], offer(n, lasts)).await);
    }
    let bidders = crowd.bid(&users[1..], &auctions, until, seed);
    portal.kill_until(until).await;
    let mut told = SseEvents::default();
    for one in bidders.join_all().await {
        told.accepted.extend(one.accepted);
        told.taken.extend(one.taken);
        told.refused += one.refused;
    }
    println!(
        "{} kills, {} bids accepted, {} taken, {} refused",
        portal.kills,
        told.accepted.len(),
        told.taken.len(),
        told.refused
    );

    portal.has(AUCTIONS, &["winner_announced", "auction_closed_unsold"]).await;
    portal.has(AUCTIONS - AUCTIONS / 4, &["seed_revealed"]).await;
    check(&portal, &users, &auctions, &told).await;
    let ended = portal.roles.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    portal.servers.stop().await.unwrap();
}

async fn check(portal: &Portal, users: &[UserId], auctions: &[String], told: &SseEvents) {
    let database = database(portal.servers.database_url()).await;
    every_bid_has_its_outcome(&database, told).await;
    all_told(&database).await;
    let events = all_events(&database).await;
    let found = assert_follows_rules(&events);
    println!("{found:?}");
    assert_eq!((found.auctions, found.sold + found.unsold), (AUCTIONS as u64, AUCTIONS as u64));
    assert!(
        found != ModelSummary::default() && found.sold > 0 && found.doubled > 0,
        "it was worth looking at"
    );
    let mut readers = PollingReaders::new(users, &portal.roles.url());
    readers.see_all(&database).await;
    let seen = readers.told();
    println!("{} notifications", seen.len());
    assert_notifications_match_model(&events, &seen, |_, _| true);
    portal.run(&["verify"]);
    portal.run(&["rebuild"]);
    portal.run(&["verify"]);
    for (n, auction) in auctions.iter().enumerate().filter(|(n, _)| n % 4 != 3) {
        println!("draws of lot {n}");
        portal.run(&["draws", "verify", auction]);
    }
}

/// Whoever was told that his bid was accepted has it in the auction, once; and whatever was taken was
/// decided.
async fn every_bid_has_its_outcome(database: &tokio_postgres::Client, told: &SseEvents) {
    let placed = "SELECT count(*), count(DISTINCT command_id) FROM events \
                  WHERE kind = 'bid_placed' AND command_id = ANY ($1)";
    let row = database.query_one(placed, &[&told.accepted]).await.unwrap();
    let accepted = told.accepted.len() as i64;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (accepted, accepted));
    let known: Vec<Uuid> = told.accepted.iter().chain(&told.taken).copied().collect();
    eventually("all bids are decided", || async {
        let decided = "SELECT count(*) FROM commands WHERE command_id = ANY ($1)";
        let decided: i64 = database.query_one(decided, &[&known]).await.unwrap().get(0);
        (decided == known.len() as i64).then_some(())
    })
    .await;
}
