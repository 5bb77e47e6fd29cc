//! Tests of the user-deletion process with the real auctioneer and partition writer on in-memory ports:
//! whatever fails, a deleted user ends without open interests, and nothing is retracted twice.

use crate::running_task::{RunningTask, run_schedules, start_auctioneer};
use crate::test_portal::TestPortal;
use auction_app::ports::people::user_deletions::{OpenInterest, UserDeletions};
use auction_domain::auction::{Auction, AuctionEvent, Status};
use auction_domain::user::{UserCommand, UserEvent};
use auction_domain::{AuctionId, UserId};
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::world::{Trace, World};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{
    P, create_auction, create_auction_for, create_user, delete_user, end_auction, fresh, place_bid,
};
use auction_testkit::random::Random;
use auction_wire::{Command, CommandBody, Event};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

const SCHEDULES: u64 = 200;

fn start(portal: &TestPortal) -> RunningTask<()> {
    let stores = FaultyPort::new(portal.store.clone(), &portal.world);
    let queue = FaultyPort::new(portal.streams.clone(), &portal.world);
    start_auctioneer(stores, portal.streams.event_connector(3), queue)
}

/// Returns random bids, auctions, deletions and ended auctions.
fn commands(random: &mut Random) -> Vec<Command> {
    let users: Vec<UserId> = (0..5).map(|_| UserId(fresh())).collect();
    let mut auctions: Vec<AuctionId> = (0..3).map(|_| AuctionId(fresh())).collect();
    let mut commands: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    commands.extend(auctions.iter().map(|auction| create_auction(*auction)));
    for n in 0..random.below(40) + 20 {
        let (user, auction) = (*random.pick(&users), *random.pick(&auctions));
        commands.push(match random.below(20) {
            0 | 1 => delete_user(user),
            2 | 3 => {
                auctions.push(AuctionId(fresh()));
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
        let head = portal.store.events(P).len();
        let settled = portal.streams.pending().await == 0 && portal.streams.events().await.len() == head;
        let finished = portal.store.unfinished(1).await.unwrap().is_empty();
        quiet_rounds = if settled && finished { quiet_rounds + 1 } else { 0 };
        if quiet_rounds == 100 {
            return;
        }
    }
    panic!("unfinished deletions: {:?}", portal.store.unfinished(10).await);
}

fn check(portal: &TestPortal) {
    let mut auctions: BTreeMap<Uuid, Option<Auction>> = BTreeMap::new();
    let (mut users, mut deleted, mut retracted) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for record in portal.store.events(P) {
        match record.event().unwrap() {
            Event::User(UserEvent::UserDeleted) => assert!(deleted.insert(UserId(record.key))),
            Event::User(UserEvent::UserCreated) => assert!(users.insert(UserId(record.key))),
            Event::User(_) | Event::Promoter(_) => {}
            Event::Auction(event) => {
                if let AuctionEvent::BidsRetracted { bidder, bids } = &event {
                    assert!(deleted.contains(bidder), "only bids of deleted users are retracted");
                    assert!(
                        !bids.is_empty() && retracted.insert((record.key, *bidder)),
                        "bids are retracted once"
                    );
                }
                Auction::apply(auctions.entry(record.key).or_default(), &event, record.at);
            }
        }
    }
    let left: BTreeSet<UserId> = users.difference(&deleted).copied().collect();
    assert_eq!(portal.store.accounts(), left, "exactly the accounts of deleted users are erased");
    let open = auctions.values().flatten().filter(|auction| auction.status() == Status::Open);
    for auction in open {
        assert!(auction.ranking().all(|bid| !deleted.contains(&bid.bidder)), "{auction:?}");
        assert!(auction.terms().seller.is_none_or(|seller| !deleted.contains(&seller)), "{auction:?}");
    }
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let portal = TestPortal::new(World::new(seed + 1_000_000, Trace::Off), false);
    portal.world.set_failure_rate(random.below(120));
    let writer = portal.start(4);
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
    writer.stop().await.unwrap();
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
    let writer = portal.start(10);
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
    assert_eq!(portal.store.open_interests(&[ada]).await.unwrap(), [(ada, OpenInterest::Bids(auction))]);
    let _auctioneer = start(&portal);
    quiet(&portal).await;
    writer.stop().await.unwrap();
    let last = portal.store.events(P).pop().unwrap().event().unwrap();
    let Event::Auction(AuctionEvent::WinnerAnnounced(winner)) = last else { panic!("{last:?}") };
    assert_eq!((winner.bidder, winner.bid.0), (bob, low.id.0));
}
