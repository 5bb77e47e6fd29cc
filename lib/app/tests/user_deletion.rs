//! Tests of the user-deletion process with the real auctioneer and partition writer on in-memory ports:
//! whatever fails, a deleted user ends without open interests, and nothing is retracted twice.

use crate::running_task::{RunningTask, run_schedules, start_auctioneer, until};
use crate::test_portal::TestPortal;
use auction_app::ports::events::event_store::{AppendBatch, AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::people::user_deletions::{OpenInterest, UserDeletions};
use auction_domain::auction::{Auction, AuctionEvent, Status};
use auction_domain::user::{UserCommand, UserEvent};
use auction_domain::user_bar::BarEvent;
use auction_domain::{AuctionId, BidId, UserId};
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::streams::partitions;
use auction_simulation::world::{Trace, World};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{
    P, auction_created, batch, bid_placed, create_auction, create_auction_for, create_user, delete_user,
    end_auction, fresh, fresh_in, place_bid, user_created, user_deleted, users_barred,
};
use auction_testkit::random::Random;
use auction_wire::{Command, CommandBody, Event, Outcome, PartitionId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

const SCHEDULES: u64 = 200;

fn start(portal: &TestPortal) -> RunningTask<()> {
    let stores = FaultyPort::new(portal.store.clone(), &portal.world);
    let queue = FaultyPort::new(portal.streams.clone(), &portal.world);
    start_auctioneer(stores, portal.streams.event_connector(3), queue)
}

fn anywhere(random: &mut Random) -> Uuid {
    let all: Vec<PartitionId> = partitions().all().collect();
    fresh_in(*random.pick(&all))
}

/// Returns random bids, auctions, deletions and ended auctions in all partitions.
fn commands(random: &mut Random) -> Vec<Command> {
    let users: Vec<UserId> = (0..5).map(|_| UserId(anywhere(random))).collect();
    let mut auctions: Vec<AuctionId> = (0..3).map(|_| AuctionId(anywhere(random))).collect();
    let mut commands: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    commands.extend(auctions.iter().map(|auction| create_auction(*auction)));
    for n in 0..random.below(40) + 20 {
        let (user, auction) = (*random.pick(&users), *random.pick(&auctions));
        commands.push(match random.below(20) {
            0 | 1 => delete_user(user),
            2 | 3 => {
                auctions.push(AuctionId(anywhere(random)));
                create_auction_for(auctions[auctions.len() - 1], Some(user))
            }
            4 => end_auction(auction),
            _ => place_bid(auction, user, 100 + n * 10),
        });
    }
    commands
}

/// Waits until all deletions are finished, in paused time.
async fn quiet(portal: &TestPortal) {
    let mut quiet_rounds = 0;
    for _ in 0..5000 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let settled = portal.streams.unacknowledged() == 0;
        let finished = portal.store.unfinished(1).await.unwrap().is_empty();
        quiet_rounds = if settled && finished { quiet_rounds + 1 } else { 0 };
        if quiet_rounds == 100 {
            return;
        }
    }
    panic!("unfinished deletions: {:?}", portal.store.unfinished(10).await);
}

/// What the events of all partitions say about users.
#[derive(Default)]
struct Users {
    created: BTreeSet<UserId>,
    deleted: BTreeSet<UserId>,
}

fn users(portal: &TestPortal) -> Users {
    let mut users = Users::default();
    for record in partitions().all().flat_map(|partition| portal.store.events(partition)) {
        match record.event().unwrap() {
            Event::User(UserEvent::UserDeleted) => assert!(users.deleted.insert(UserId(record.key))),
            Event::User(UserEvent::UserCreated) => assert!(users.created.insert(UserId(record.key))),
            Event::User(_) | Event::Promoter(_) | Event::Bar(_) | Event::Auction(_) => {}
        }
    }
    users
}

fn check(portal: &TestPortal) {
    let users = users(portal);
    let left: BTreeSet<UserId> = users.created.difference(&users.deleted).copied().collect();
    assert_eq!(portal.store.accounts(), left, "exactly the accounts of deleted users are erased");
    partitions().all().for_each(|partition| check_partition(portal, partition, &users));
}

fn check_partition(portal: &TestPortal, partition: PartitionId, users: &Users) {
    let mut auctions: BTreeMap<Uuid, Option<Auction>> = BTreeMap::new();
    let (mut barred, mut retracted) = (BTreeSet::new(), BTreeSet::new());
    for record in portal.store.events(partition) {
        let event = match record.event().unwrap() {
            Event::User(_) | Event::Promoter(_) => continue,
            Event::Bar(BarEvent::UsersBarred { users }) => {
                barred.extend(users);
                continue;
            }
            Event::Auction(event) => event,
        };
        match &event {
            AuctionEvent::AuctionCreated { terms, .. } => {
                assert!(terms.seller.is_none_or(|seller| !barred.contains(&seller)), "{terms:?}");
            }
            AuctionEvent::BidPlaced { bidder, .. } => {
                assert!(!barred.contains(bidder), "{bidder} bids after the bar");
            }
            AuctionEvent::BidsRetracted { bidder, bids } => {
                assert!(barred.contains(bidder), "bids are retracted after the bar");
                assert!(
                    !bids.is_empty() && retracted.insert((record.key, *bidder)),
                    "bids are retracted once"
                );
            }
            AuctionEvent::WinnerAnnounced(winner) => {
                assert!(!barred.contains(&winner.bidder), "a close does not overtake a bar");
            }
            _ => {}
        }
        Auction::apply(auctions.entry(record.key).or_default(), &event, record.at);
    }
    assert_eq!(barred, users.deleted, "every deleted user is barred from every partition");
    for auction in auctions.values().flatten().filter(|auction| auction.status() == Status::Open) {
        assert!(auction.ranking().all(|bid| !barred.contains(&bid.bidder)), "{auction:?}");
        assert!(auction.terms().seller.is_none_or(|seller| !barred.contains(&seller)), "{auction:?}");
    }
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let portal = TestPortal::new(World::new(seed + 1_000_000, Trace::Off), false);
    portal.world.set_failure_rate(random.below(120));
    let writers = portal.start_all(4);
    let mut auctioneers = [start(&portal), start(&portal)];
    for command in commands(&mut random) {
        if matches!(command.body, CommandBody::User(UserCommand::CreateUser(_))) {
            portal.store.open_account(UserId(command.key));
        }
        portal.submit(&command).await;
        if random.chance(400) {
            tokio::time::sleep(Duration::from_millis(random.below(300))).await;
        }
        if random.chance(100) {
            std::mem::replace(&mut auctioneers[random.below(2) as usize], start(&portal)).kill();
        }
    }
    tokio::time::sleep(Duration::from_millis(random.below(20_000))).await;
    portal.world.set_failure_rate(0);
    if random.chance(500) {
        auctioneers[0].kill();
    }
    quiet(&portal).await;
    for writer in writers {
        writer.stop().await.unwrap();
    }
    auctioneers.iter().for_each(RunningTask::kill);
    check(&portal);
    portal.world.failures()
}

#[tokio::test(start_paused = true)]
async fn user_deletion_completes_once_under_random_faults() {
    run_schedules(SCHEDULES, schedule).await;
}

/// The leader is deleted after the auction has ended and before it is closed; the auctioneer starts
/// afterwards.
#[tokio::test(start_paused = true)]
async fn deletion_between_end_and_close_retracts_the_leading_bid() {
    let portal = TestPortal::calm();
    let (ada, bob, auction) = (UserId(fresh()), UserId(fresh()), AuctionId(fresh()));
    let writers = portal.start_all(10);
    let low = place_bid(auction, bob, 200);
    for command in [
        create_user(ada),
        create_user(bob),
        create_auction(auction),
        low.clone(),
        place_bid(auction, ada, 300),
        end_auction(auction),
    ] {
        portal.submit(&command).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Submitted separately, since in a batch commands for users are decided before bids.
    portal.submit(&delete_user(ada)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let interests = portal.store.open_interests(&[(P, ada)]).await.unwrap();
    assert_eq!(interests, [(P, ada, OpenInterest::Bids(auction))]);
    let _auctioneer = start(&portal);
    quiet(&portal).await;
    for writer in writers {
        writer.stop().await.unwrap();
    }
    let last = portal.store.events(P).pop().unwrap().event().unwrap();
    let Event::Auction(AuctionEvent::WinnerAnnounced(winner)) = last else { panic!("{last:?}") };
    assert_eq!((winner.bidder, winner.bid.0), (bob, low.id.0));
}

/// Appends events to a partition of the store.
async fn append(portal: &TestPortal, partition: PartitionId, events: Vec<(Uuid, u64, Event)>) {
    let mut store = portal.store.open().await.unwrap();
    let append = batch(store.head(partition).await.unwrap(), events);
    let outcomes = append.outcomes.iter().cloned().map(|outcome| Outcome { partition, ..outcome });
    let append = AppendBatch { partition, outcomes: outcomes.collect(), ..append };
    assert_eq!(store.append(&append).await.unwrap(), AppendResult::Committed);
}

/// A chunk of deletions waits for removals in a partition without a writer.
#[tokio::test(start_paused = true)]
async fn blocked_deletions_do_not_hold_up_others() {
    let (portal, blocked) = (TestPortal::calm(), PartitionId(1));
    let (users, auction): (Vec<Uuid>, _) = ((0..500).map(|_| fresh_in(blocked)).collect(), fresh_in(blocked));
    append(&portal, blocked, users.iter().map(|user| (*user, 1, user_created())).collect()).await;
    append(&portal, blocked, vec![(auction, 1, auction_created(None))]).await;
    let bids = users.iter().zip(2..).map(|(user, version)| {
        (auction, version, bid_placed(BidId(fresh_in(blocked)), UserId(*user), 100 * version))
    });
    append(&portal, blocked, bids.collect()).await;
    append(&portal, blocked, users.iter().map(|user| (*user, 2, user_deleted())).collect()).await;
    let all: Vec<UserId> = users.iter().map(|user| UserId(*user)).collect();
    append(&portal, blocked, vec![(fresh_in(blocked), 1, users_barred(&all))]).await;
    let _writers: Vec<_> = partitions()
        .all()
        .filter(|partition| *partition != blocked)
        .map(|partition| portal.start_in(partition, 20))
        .collect();
    let _auctioneer = start(&portal);
    tokio::time::sleep(Duration::from_secs(60)).await; // in paused time
    let (ada, here) = (UserId(fresh()), AuctionId(fresh()));
    for command in [create_user(ada), create_auction(here)] {
        portal.submit(&command).await;
    }
    portal.submit(&place_bid(here, ada, 200)).await;
    tokio::time::sleep(Duration::from_secs(1)).await; // in paused time: in a batch, deletions come before bids
    portal.submit(&delete_user(ada)).await;
    until("the bid is retracted", async || {
        let events = portal.store.events(P);
        let last = events.iter().rev().find(|record| record.key == here.0).unwrap();
        matches!(last.event().unwrap(), Event::Auction(AuctionEvent::BidsRetracted { .. }))
    })
    .await;
}
