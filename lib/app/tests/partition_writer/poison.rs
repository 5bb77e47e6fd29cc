//! Commands that cannot be handled go to the dead letters alone, their senders are told, and the rest
//! goes on.

use crate::test_portal::World;
use auction_app::writer::aggregate_cache::Aggregate;
use auction_app::writer::dispatch::DecideFn;
use auction_domain::auction::{
    AuctionCommand, CancelAuction, CloseAuction, DoubleBid, EndAuction, PlaceBid, RetractBids, VoidBid,
};
use auction_domain::{Actor, AuctionId, BidId, Reason, Refused, Timestamp, UserId};
use auction_testkit::fixtures::{
    P, create_auction, create_user, delete_bid, delete_user, fresh, of_auction, place_bid,
};
use auction_wire::{Channel, Command, CommandBody, CommandId, Event, OutcomeResult};

/// The rules of the house, but for bids of 666.
fn cursed(aggregate: &Aggregate, command: &Command, at: Timestamp) -> Result<Vec<Event>, Refused> {
    if let CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { amount, .. })) = &command.body {
        assert!(amount.minor_units() != 666, "the number of the beast");
    }
    (DecideFn::default().0)(aggregate, command, at)
}

/// A user, an auction and so many bids of his.
fn bids(amounts: impl IntoIterator<Item = u64>) -> Vec<Command> {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut given = vec![create_user(ada), create_auction(auction)];
    given.extend(amounts.into_iter().map(|amount| place_bid(auction, ada, amount)));
    given
}

async fn done(given: &[Command], rules: DecideFn, count: usize, prepare: impl Fn(&World)) -> World {
    let world = super::world();
    prepare(&world);
    for command in given {
        world.give(command).await;
    }
    let lane = world.start_with(rules, count);
    world.quiet(given.len()).await;
    lane.stop().await.unwrap();
    world.check(given);
    world
}

fn failed(world: &World, command: CommandId) -> (String, String) {
    match world.store.all_outcomes()[&command].result.clone() {
        OutcomeResult::Failed { reason, error } => (reason, error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_handling_panics_is_put_away_alone_and_its_sender_is_told() {
    for count in [1, 3, 100] {
        let given = bids((600..700).step_by(2));
        let (world, culprit) = (done(&given, DecideFn(cursed), count, |_| {}).await, &given[2 + 33]);
        let (reason, error) = failed(&world, culprit.id);
        assert_eq!((reason.as_str(), error.as_str()), ("panicked", "the number of the beast"));
        let dead = world.streams.dead(P);
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].channel, dead[0].reason.as_str()), (Channel::Bid, "panicked"));
        assert_eq!(Command::from_fields(&dead[0].fields).unwrap(), *culprit, "it can be requeued as it was");
        let others = given.iter().filter(|command| command.id != culprit.id);
        assert_eq!(others.filter(|command| !world.is_accepted(command)).count(), 0);
        let told = world.streams.replies(P).into_iter().find(|(_, reply)| reply.command == culprit.id);
        assert_eq!(told.unwrap().1, world.outcome(culprit));
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_the_store_rejects_is_put_away_alone() {
    for count in [1, 3, 100] {
        let given = bids(100..164);
        for culprits in [vec![2], vec![40], vec![2, 3, 65]] {
            let reject = |world: &World| culprits.iter().for_each(|at| world.store.reject(given[*at].id));
            let world = done(&given, DecideFn::default(), count, reject).await;
            for (at, command) in given.iter().enumerate() {
                assert_eq!(
                    world.is_accepted(command),
                    !culprits.contains(&at),
                    "bid {at}, {count} at a time"
                );
            }
            assert_eq!(world.streams.dead(P).len(), culprits.len());
            assert_eq!(failed(&world, given[culprits[0]].id).0, "rejected");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_failed_and_comes_again_is_put_away_again_without_another_try() {
    let mut given = bids([100, 666, 200]);
    given.push(given[3].clone());
    for count in [1, 100] {
        let world = done(&given, DecideFn(cursed), count, |_| {}).await;
        assert_eq!(world.streams.dead(P).len(), 2);
        // Also when the rules have been mended meanwhile: only requeueing makes it pending again.
        world.give(&given[3]).await;
        world.work(count, given.len() + 1).await;
        assert_eq!(failed(&world, given[3].id).0, "panicked");
        assert_eq!(world.streams.dead(P).len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_sender_of_what_cannot_be_read_is_told_if_it_says_who_he_is() {
    let world = super::world();
    let mut given = bids([100]);
    let bid = given.pop().unwrap();
    for command in &given {
        world.give(command).await;
    }
    let mut fields: Vec<(Vec<u8>, Vec<u8>)> =
        bid.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    fields.iter_mut().find(|(name, _)| name == b"kind").unwrap().1 = b"raffle".to_vec();
    world.streams.add(P, Channel::Bid, fields.clone());
    world.work(100, 3).await;
    let outcome = world.outcome(&bid);
    assert_eq!((failed(&world, bid.id).0.as_str(), outcome.kind.as_str()), ("unreadable", "raffle"));
    assert_eq!(outcome.key, bid.key);
    let dead = world.streams.dead(P);
    assert_eq!((dead.len(), &dead[0].fields), (1, &fields), "as it was");
    assert_eq!(world.streams.replies(P).into_iter().filter(|(_, reply)| *reply == outcome).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bid_that_comes_again_after_its_outcome_was_deleted_has_no_second_effect() {
    let given = bids([100, 200]);
    let world = done(&given, DecideFn::default(), 100, |_| {}).await;
    let events = world.store.events(P).len();
    for again in &given {
        world.store.forget_outcome(again.id);
        world.give(again).await;
    }
    world.work(100, 2 * given.len()).await;
    assert_eq!(world.store.events(P).len(), events);
    for again in &given {
        assert!(!world.is_accepted(again));
    }
}

/// Each kind of command whose outcome was kept as long as it had to be.
#[tokio::test(start_paused = true)]
async fn no_command_that_comes_again_after_its_outcome_was_deleted_has_a_second_effect() {
    let users: [UserId; 3] = std::array::from_fn(|_| UserId(fresh()));
    let auctions: [AuctionId; 3] = std::array::from_fn(|_| AuctionId(fresh()));
    let house = |auction, body| of_auction(fresh(), auction, Actor::Operator, body);
    let bid_of = |bid: &Command| BidId(bid.id.0);
    let bids: [Command; 5] =
        std::array::from_fn(|n| place_bid(auctions[0], users[n % 2], 100 + 10 * n as u64));
    let reason = Reason::new("mistyped").unwrap();
    let mut given: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    given.extend(auctions.iter().map(|auction| create_auction(*auction)));
    given.extend(bids.iter().cloned());
    given.extend([
        delete_bid(auctions[0], users[0], bid_of(&bids[4])),
        house(auctions[0], AuctionCommand::DoubleBid(DoubleBid { bid: bid_of(&bids[1]) })),
        house(auctions[0], AuctionCommand::VoidBid(VoidBid { bid: bid_of(&bids[3]), reason })),
        delete_user(users[1]),
        house(auctions[0], AuctionCommand::RetractBids(RetractBids { bidder: users[1] })),
        house(auctions[1], AuctionCommand::EndAuction(EndAuction)),
        house(auctions[1], AuctionCommand::CloseAuction(CloseAuction)),
        house(auctions[2], AuctionCommand::CancelAuction(CancelAuction)),
    ]);
    let world = super::world();
    for (count, command) in given.iter().enumerate() {
        world.give(command).await;
        world.work(100, count + 1).await;
        assert!(world.is_accepted(command), "{command:?}: {:?}", world.outcome(command));
    }
    let events = world.store.events(P).len();
    given.iter().for_each(|again| world.store.forget_outcome(again.id));
    for (count, again) in given.iter().enumerate() {
        world.give(again).await;
        world.work(100, given.len() + count + 1).await;
        assert!(!world.is_accepted(again), "{again:?}");
    }
    assert_eq!(world.store.events(P).len(), events);
}
