//! Users are deleted while they bid and sell in all partitions, and auctioneers, which run the deletion
//! process, are killed repeatedly. In the end, no open auction has an active bid of a deleted user or
//! was created by one.

use crate::support::components::RunningComponents;
use crate::support::load::{Load, id};
use crate::support::servers::TestServers;
use crate::support::{eventually, is_long_run};
use auction_domain::{AuctionId, UserId};
use auction_testkit::fixtures::{create_auction, create_auction_for, create_user, delete_user, place_bid};
use auction_testkit::random::Random;
use auction_wire::Command;
use std::time::Duration;
use tokio_postgres::Client;

/// Number of auctions that all users bid on; small, so that many users meet in each.
const AUCTIONS: u64 = 40;

/// Number of users that are deleted at the same time.
const CONCURRENT_DELETIONS: u64 = 25;

/// Returns the commands of one user: bids, sometimes auctions, and the deletion. Their order is shuffled
/// afterwards, and partitions process them at different speeds.
fn commands_of(n: u64, user: UserId, auctions: &[AuctionId], random: &mut Random) -> Vec<Command> {
    let mut commands = vec![delete_user(user)];
    for step in 0..random.below(5) + 3 {
        commands.push(place_bid(*random.pick(auctions), user, 100 + step));
    }
    for sale in 0..random.below(3) {
        commands
            .push(create_auction_for(AuctionId(id(random.below(8), 1_000_000 + n * 3 + sale)), Some(user)));
    }
    commands
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last as u64 + 1) as usize);
    }
}

async fn count(database: &Client, query: &str) -> i64 {
    database.query_one(query, &[]).await.unwrap().get(0)
}

/// Counts active bids of deleted users in open auctions.
const ACTIVE_BIDS: &str =
    "SELECT count(*) FROM bids b JOIN auctions a ON a.id = b.auction JOIN users u ON u.id = b.bidder
    WHERE b.state = 'live' AND a.status = 'open' AND u.deleted_at IS NOT NULL";

/// Counts open auctions of deleted sellers.
const OPEN_SALES: &str = "SELECT count(*) FROM auctions a JOIN users u ON u.id = a.seller
    WHERE a.status = 'open' AND u.deleted_at IS NOT NULL";

/// Counts bids that were refused because their bidder was deleted.
const REFUSED: &str = "SELECT count(*) FROM command_outcomes
    WHERE kind = 'place_bid' AND position('unknown_sender'::bytea IN outcome) > 0";

#[tokio::test]
async fn user_deletion_process_survives_kill_9() {
    let users = if is_long_run() { 5000 } else { 250 };
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_125);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let servers = TestServers::start().await;
    let settings = [("AUCTION__WRITER__LEASE_SECONDS", "2"), ("AUCTION__WRITER__MAX_BATCH", "40")];
    let mut components = RunningComponents::new(&servers, &settings);
    components.add_all(["writer", "writer", "auctioneer", "auctioneer", "projector"]);
    let mut load = Load::empty(&servers, seed);
    let auctions: Vec<AuctionId> = (0..AUCTIONS).map(|n| AuctionId(id(n % 8, 500_000 + n))).collect();
    let all_users: Vec<UserId> = (0..users).map(|n| UserId(id(random.below(8), n))).collect();
    let mut first: Vec<Command> = auctions.iter().map(|auction| create_auction(*auction)).collect();
    first.extend(all_users.iter().map(|user| create_user(*user)));
    load.send(first).await;
    load.wait_for_outcomes(AUCTIONS + users).await;

    for (round, chunk) in all_users.chunks(CONCURRENT_DELETIONS as usize).enumerate() {
        let numbered = (0..).zip(chunk);
        let mut all: Vec<Command> = numbered
            .flat_map(|(n, user)| {
                commands_of(round as u64 * CONCURRENT_DELETIONS + n, *user, &auctions, &mut random)
            })
            .collect();
        shuffle(&mut all, &mut random);
        // Small pieces, so that deletions and bids meet in batches of different partitions.
        while !all.is_empty() {
            let piece = all.len().min(random.below(12) as usize + 1);
            load.send(all.drain(..piece).collect()).await;
        }
        let component = if random.chance(800) { "auctioneer" } else { "writer" };
        let pid = *random.pick(&components.pids(component));
        components.stop_process(pid, "-KILL");
        components.add(component);
        // A short random pause kills some processes during their start.
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
    }
    load.wait_until_all_decided().await;
    let database = servers.database().await;
    eventually("all deletions are finished", || async {
        let left = count(&database, "SELECT count(*) FROM deletions WHERE NOT finished").await;
        (left == 0).then_some(())
    })
    .await;
    assert_eq!(count(&database, ACTIVE_BIDS).await, 0, "active bids of deleted users");
    assert_eq!(count(&database, OPEN_SALES).await, 0, "open auctions of deleted sellers");
    assert_eq!(count(&database, "SELECT count(*) FROM deletions").await as u64, users, "all are deleted");
    let retracted = count(&database, "SELECT count(*) FROM bids WHERE state = 'retracted'").await;
    let placed = count(&database, "SELECT count(*) FROM bids").await;
    let refused = count(&database, REFUSED).await;
    let cancelled = count(&database, "SELECT count(*) FROM auctions WHERE status = 'cancelled'").await;
    println!(
        "{users} users deleted: {placed} bids placed, {retracted} retracted, {refused} refused, \
         {cancelled} auctions cancelled"
    );
    assert_eq!(placed, retracted, "every placed bid was retracted by the deletion of its bidder");
    assert!(
        retracted > 0 && refused > 0 && cancelled > 0,
        "bids and deletions overtook each other in both directions"
    );
    servers.verify();
    components.terminate();
}
