//! Users are deleted while they bid and offer, over all partitions, by real writers; and the auctioneers who
//! follow up are killed all the time. In the end nothing is left of them in any auction without a result.

use crate::support::components::Roles;
use crate::support::load::{Load, id};
use crate::support::{database, eventually, long};
use auction_domain::{AuctionId, UserId};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::fixtures::{create_auction, create_user, delete_user, offer, place_bid};
use auction_testkit::random::Random;
use auction_wire::Command;
use std::time::Duration;
use tokio_postgres::Client;

/// Auctions that everybody bids on; few, so that many meet in each.
const AUCTIONS: u64 = 40;

/// Deletions that are under way at the same time.
const AT_ONCE: u64 = 25;

/// What one user does: bids here and there, sells something, and is deleted in the middle of it. The order is
/// by chance, and in each partition the writers go at their own pace.
fn life(n: u64, user: UserId, auctions: &[AuctionId], random: &mut Random) -> Vec<Command> {
    let mut life = vec![delete_user(user)];
    for step in 0..random.below(5) + 3 {
        life.push(place_bid(*random.pick(auctions), user, 100 + step));
    }
    for sale in 0..random.below(3) {
        life.push(offer(AuctionId(id(random.below(8), 1_000_000 + n * 3 + sale)), Some(user)));
    }
    life
}

fn shuffle<T>(of: &mut [T], random: &mut Random) {
    for last in (1..of.len()).rev() {
        of.swap(last, random.below(last as u64 + 1) as usize);
    }
}

async fn count(database: &Client, query: &str) -> i64 {
    database.query_one(query, &[]).await.unwrap().get(0)
}

/// A deleted user's live bids in auctions without a result.
const LIVE: &str =
    "SELECT count(*) FROM bids b JOIN auctions a ON a.id = b.auction JOIN users u ON u.id = b.bidder
    WHERE b.state = 'live' AND a.status = 'open' AND u.deleted_at IS NOT NULL";

/// A deleted seller's auctions without a result.
const OFFERED: &str = "SELECT count(*) FROM auctions a JOIN users u ON u.id = a.seller
    WHERE a.status = 'open' AND u.deleted_at IS NOT NULL";

/// Bids that came too late.
const REFUSED: &str = "SELECT count(*) FROM commands
    WHERE kind = 'place_bid' AND position('unknown_sender'::bytea IN outcome) > 0";

/// Deletes so many users; with `kills` the auctioneers, and now and then a writer, are killed all the time.
async fn race(seed: u64, users: u64, kills: bool) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap();
    let settings = [("AUCTION__WRITER__LEASE_SECONDS", "2"), ("AUCTION__WRITER__BATCH", "40")];
    let mut roles = Roles::none(&servers, &settings);
    for role in ["writer", "writer", "auctioneer", "auctioneer", "projector"] {
        roles.add(role);
    }
    let mut load = Load::empty(&servers, seed);
    let auctions: Vec<AuctionId> = (0..AUCTIONS).map(|n| AuctionId(id(n % 8, 500_000 + n))).collect();
    let people: Vec<UserId> = (0..users).map(|n| UserId(id(random.below(8), n))).collect();
    let mut first: Vec<Command> = auctions.iter().map(|auction| create_auction(*auction)).collect();
    first.extend(people.iter().map(|user| create_user(*user)));
    load.give(first).await;
    load.decided(AUCTIONS + users).await;

    for (round, some) in people.chunks(AT_ONCE as usize).enumerate() {
        let lives = (0..).zip(some);
        let mut all: Vec<Command> = lives
            .flat_map(|(n, user)| life(round as u64 * AT_ONCE + n, *user, &auctions, &mut random))
            .collect();
        shuffle(&mut all, &mut random);
        // In small pieces, so that deletions and bids meet in the batches of different partitions.
        while !all.is_empty() {
            let piece = all.len().min(random.below(12) as usize + 1);
            load.give(all.drain(..piece).collect()).await;
        }
        if kills {
            let role = if random.chance(800) { "auctioneer" } else { "writer" };
            let victim = *random.pick(&roles.pids(role));
            roles.end(victim, "-KILL");
            roles.add(role);
            tokio::time::sleep(Duration::from_millis(random.below(200))).await; // some are killed as they begin
        } else {
            load.decided(load.different().saturating_sub(AT_ONCE * 4)).await;
        }
    }
    load.all_have_an_outcome().await;
    let database = database(servers.database_url()).await;
    eventually("everything has followed", || async {
        let left = count(&database, "SELECT count(*) FROM deletions WHERE NOT finished").await;
        (left == 0).then_some(())
    })
    .await;
    assert_eq!(count(&database, LIVE).await, 0, "live bids of deleted users");
    assert_eq!(count(&database, OFFERED).await, 0, "auctions of deleted sellers");
    assert_eq!(count(&database, "SELECT count(*) FROM deletions").await as u64, users, "all are deleted");
    let retracted = count(&database, "SELECT count(*) FROM bids WHERE state = 'retracted'").await;
    let placed = count(&database, "SELECT count(*) FROM bids").await;
    let refused = count(&database, REFUSED).await;
    let cancelled = count(&database, "SELECT count(*) FROM auctions WHERE status = 'cancelled'").await;
    println!(
        "{users} deleted: {placed} bids placed, {retracted} of them retracted, {refused} refused, {cancelled} offers cancelled"
    );
    assert_eq!(placed, retracted, "every bid was placed before its bidder was deleted, and taken out");
    assert!(retracted > 0 && refused > 0 && cancelled > 0, "both sides of the race happened");
    roles.verify(&servers);
    assert!(roles.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_deletion_racing_with_that_users_bids_leaves_none_of_them_live() {
    race(20_261_124, if long() { 5000 } else { 300 }, false).await;
}

#[tokio::test]
async fn what_follows_from_deletions_survives_kill_nine() {
    race(20_261_125, if long() { 2000 } else { 200 }, true).await;
}
