//! Tests of commands that cannot be processed: only they are dead-lettered, with an outcome for their
//! senders.

use crate::test_portal::TestPortal;
use auction_app::writer::aggregate_cache::Aggregate;
use auction_app::writer::dispatch::DecideFn;
use auction_domain::auction::{AuctionCommand, PlaceBid};
use auction_domain::{AuctionId, BidId, RefusalInfo, Timestamp, UserId};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{P, create_auction, create_user, delete_bid, delete_user, fresh, place_bid};
use auction_wire::{Channel, Command, CommandBody, CommandId, Event, OutcomeResult};

/// Decides like the domain, but panics at bids of 666.
fn panic_at_some_bids(
    aggregate: &Aggregate,
    command: &Command,
    at: Timestamp,
) -> Result<Vec<Event>, RefusalInfo> {
    if let CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { amount, .. })) = &command.body {
        assert!(amount.minor_units() != 666, "the amount is 666");
    }
    (DecideFn::default().0)(aggregate, command, at)
}

/// Returns commands for a user, an auction and bids of these amounts.
fn bids(amounts: impl IntoIterator<Item = u64>) -> Vec<Command> {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut given = vec![create_user(ada), create_auction(auction)];
    given.extend(amounts.into_iter().map(|amount| place_bid(auction, ada, amount)));
    given
}

async fn done(given: &[Command], rules: DecideFn, count: usize, prepare: impl Fn(&TestPortal)) -> TestPortal {
    let portal = super::portal();
    prepare(&portal);
    for command in given {
        portal.submit(command).await;
    }
    let writer = portal.start_with(rules, count);
    portal.quiet(given.len()).await;
    writer.stop().await.unwrap();
    portal.check(given).await;
    portal
}

fn failed(portal: &TestPortal, command: CommandId) -> (String, String) {
    match portal.store.all_outcomes()[&command].result.clone() {
        OutcomeResult::Failed { reason, error } => (reason, error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn panicking_command_is_dead_lettered_alone_with_an_outcome() {
    for count in [1, 3, 100] {
        let given = bids((600..700).step_by(2));
        let (portal, panicking) =
            (done(&given, DecideFn(panic_at_some_bids), count, |_| {}).await, &given[2 + 33]);
        let (reason, error) = failed(&portal, panicking.id);
        assert_eq!((reason.as_str(), error.as_str()), ("panicked", "the amount is 666"));
        let dead = portal.streams.dead_letters();
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].channel, dead[0].reason.as_str()), (Channel::Bid, "panicked"));
        assert_eq!(
            Command::from_fields(&dead[0].fields).unwrap(),
            *panicking,
            "the dead letter contains the command"
        );
        let others = given.iter().filter(|command| command.id != panicking.id);
        assert_eq!(others.filter(|command| !portal.is_accepted(command)).count(), 0);
        let reply = portal.streams.replies().await.into_iter().find(|reply| reply.command == panicking.id);
        assert_eq!(reply.unwrap(), portal.outcome(panicking));
    }
}

#[tokio::test(start_paused = true)]
async fn command_rejected_by_the_store_is_dead_lettered_alone() {
    for count in [1, 3, 100] {
        let given = bids(100..164);
        for rejected in [vec![2], vec![40], vec![2, 3, 65]] {
            let reject =
                |portal: &TestPortal| rejected.iter().for_each(|at| portal.store.reject(given[*at].id));
            let portal = done(&given, DecideFn::default(), count, reject).await;
            for (at, command) in given.iter().enumerate() {
                assert_eq!(
                    portal.is_accepted(command),
                    !rejected.contains(&at),
                    "bid {at}, {count} at a time"
                );
            }
            assert_eq!(portal.streams.dead_letters().len(), rejected.len());
            assert_eq!(failed(&portal, given[rejected[0]].id).0, "rejected");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn repeated_failed_command_is_dead_lettered_without_a_retry() {
    let mut given = bids([100, 666, 200]);
    given.push(given[3].clone());
    for count in [1, 100] {
        let portal = done(&given, DecideFn(panic_at_some_bids), count, |_| {}).await;
        assert_eq!(portal.streams.dead_letters().len(), 2);
        // The same without the panic: only requeueing deletes the failed outcome.
        portal.submit(&given[3]).await;
        portal.work(count, given.len() + 1).await;
        assert_eq!(failed(&portal, given[3].id).0, "panicked");
        assert_eq!(portal.streams.dead_letters().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_command_with_a_readable_header_has_an_outcome() {
    let portal = super::portal();
    let mut given = bids([100]);
    let bid = given.pop().unwrap();
    for command in &given {
        portal.submit(command).await;
    }
    let mut fields: Vec<(Vec<u8>, Vec<u8>)> =
        bid.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    fields.iter_mut().find(|(name, _)| name == b"kind").unwrap().1 = b"raffle".to_vec();
    portal.streams.add(Channel::Bid, fields.clone()).await;
    portal.work(100, 3).await;
    let outcome = portal.outcome(&bid);
    assert_eq!((failed(&portal, bid.id).0.as_str(), outcome.kind.as_str()), ("unreadable", "raffle"));
    assert_eq!(outcome.key, bid.key);
    let dead = portal.streams.dead_letters();
    assert_eq!((dead.len(), &dead[0].fields), (1, &fields), "unchanged");
    assert_eq!(portal.streams.replies().await.into_iter().filter(|reply| *reply == outcome).count(), 1);
}

/// Covers commands of users, creations and bids through the writer, after retention has deleted their outcomes. The
/// reference model of the domain repeats every command of an auction.
#[tokio::test(start_paused = true)]
async fn repeated_command_has_no_effect_after_outcome_retention() {
    let users: [UserId; 3] = std::array::from_fn(|_| UserId(fresh()));
    let auctions: [AuctionId; 3] = std::array::from_fn(|_| AuctionId(fresh()));
    let bid_of = |bid: &Command| BidId(bid.id.0);
    let bids: [Command; 5] =
        std::array::from_fn(|n| place_bid(auctions[0], users[n % 2], 100 + 10 * n as u64));
    let mut given: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    given.extend(auctions.iter().map(|auction| create_auction(*auction)));
    given.extend(bids.iter().cloned());
    given.extend([delete_bid(auctions[0], users[0], bid_of(&bids[4])), delete_user(users[1])]);
    let portal = super::portal();
    for (count, command) in given.iter().enumerate() {
        portal.submit(command).await;
        portal.work(100, count + 1).await;
        assert!(portal.is_accepted(command), "{command:?}: {:?}", portal.outcome(command));
    }
    let events = portal.store.events(P).len();
    given.iter().for_each(|repeat| portal.store.forget_outcome(repeat.id));
    for (count, repeat) in given.iter().enumerate() {
        portal.submit(repeat).await;
        portal.work(100, given.len() + count + 1).await;
        assert!(!portal.is_accepted(repeat), "{repeat:?}");
    }
    assert_eq!(portal.store.events(P).len(), events);
}
