//! Tests of the effects of commands.

use crate::test_portal::{TestPortal, start_writer};
use auction_app::ports::events::event_store::{
    AppendBatch, AppendResult, EventStore, EventStoreConnector, NewEvent,
};
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::WriterError;
use auction_app::writer::takeover::REPUBLISH_LIMIT;
use auction_domain::auction::{AuctionCommand, CancelAuction};
use auction_domain::{Actor, AuctionId, BidId, OperatorId, UserId};
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::world::{Trace, World};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{
    P, create_auction, create_user, delete_bid, delete_user, fresh, of_auction, place_bid, records,
};
use auction_wire::{Channel, Command, EventRecord, Outcome};
use std::time::Duration;

fn new_event(record: EventRecord) -> NewEvent {
    NewEvent { event: record.event().unwrap(), record, actor: Actor::Portal }
}

async fn done(commands: &[Command], count: usize) -> TestPortal {
    let portal = super::portal();
    for command in commands {
        portal.submit(command).await;
    }
    portal.work(count, commands.len()).await;
    portal.check(commands).await;
    portal
}

#[tokio::test(start_paused = true)]
async fn commands_become_events_outcomes_and_replies() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut quiet = place_bid(auction, ada, 100);
    quiet.reply.clear();
    let commands = [create_user(ada), create_auction(auction), quiet, place_bid(auction, ada, 100)];
    let portal = done(&commands, 100).await;
    let kinds: Vec<String> = portal.store.events(P).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["user_created", "auction_created", "bid_placed"]);
    assert_eq!(portal.refused(&commands[3]), "not_above_your_latest");
    assert_eq!(portal.outcome(&commands[3]).position, 3);
    let replied: Vec<Outcome> = portal.streams.replies().await;
    let expected = [0, 1, 3].map(|n: usize| portal.outcome(&commands[n]));
    assert_eq!(replied, expected, "only commands with a reply address");
}

#[tokio::test(start_paused = true)]
async fn repeated_command_has_one_effect_and_the_same_outcome() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let bid = place_bid(auction, ada, 500);
    let higher = place_bid(auction, ada, 600);
    let commands = [create_user(ada), create_auction(auction), bid.clone(), bid.clone(), higher, bid.clone()];
    for count in [1, 2, 100] {
        let portal = done(&commands, count).await;
        assert_eq!(portal.store.events(P).len(), 4);
        let mut replies = portal.streams.replies().await;
        replies.retain(|reply| reply.command == bid.id);
        assert_eq!(replies, vec![portal.outcome(&bid); 3], "{count} at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn repeated_bid_is_not_placed_again_after_its_deletion() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let bid = place_bid(auction, ada, 500);
    let delete = delete_bid(auction, ada, BidId(bid.id.0));
    let commands = [create_user(ada), create_auction(auction), bid.clone(), delete, bid];
    for count in [1, 100] {
        assert_eq!(done(&commands, count).await.store.events(P).len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn command_of_an_unknown_or_deleted_sender_is_refused() {
    let (ada, unknown_user, auction) = (UserId(fresh()), UserId(fresh()), AuctionId(fresh()));
    let create = [create_user(ada), create_auction(auction), place_bid(auction, unknown_user, 100)];
    let bids = [place_bid(auction, ada, 100), delete_user(ada), place_bid(auction, ada, 200)];
    // One at a time, since in a batch commands for users come before bids.
    let portal = super::portal();
    for (given, command) in create.iter().chain(&bids).enumerate() {
        portal.submit(command).await;
        portal.work(100, given + 1).await;
    }
    assert_eq!(portal.refused(&create[2]), "unknown_sender");
    assert!(portal.is_accepted(&bids[0]));
    assert_eq!(portal.refused(&bids[2]), "unknown_sender");
}

#[tokio::test(start_paused = true)]
async fn small_cache_does_not_refuse_existing_users() {
    let auction = AuctionId(fresh());
    let users: Vec<UserId> = (0..20).map(|_| UserId(fresh())).collect();
    let portal = super::portal();
    let mut given: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    given.push(create_auction(auction));
    given.extend((100..).zip(&users).map(|(amount, user)| place_bid(auction, *user, amount)));
    for command in &given {
        portal.submit(command).await;
    }
    portal.work(100, given.len()).await;
    portal.check(&given).await;
    let refused: Vec<String> =
        given.iter().filter(|command| !portal.is_accepted(command)).map(|c| portal.refused(c)).collect();
    assert_eq!(refused, Vec::<String>::new());
}

/// While a batch is appended, the next one is decided on state that is in memory and not in the store.
#[tokio::test(start_paused = true)]
async fn small_cache_keeps_state_that_is_not_stored_yet() {
    for seed in 0..30 {
        let portal = super::portal_in(World::new(seed, Trace::Off));
        let users: [UserId; 5] = std::array::from_fn(|_| UserId(fresh()));
        let auctions: [AuctionId; 5] = std::array::from_fn(|_| AuctionId(fresh()));
        let mut given: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
        given.extend(auctions.iter().map(|auction| create_auction(*auction)));
        given.extend((0..20).map(|n| place_bid(auctions[n % 5], users[n / 5], 100 + n as u64)));
        for command in &given {
            portal.submit(command).await;
        }
        let locks = portal.locks.clone();
        let writer = start_writer(
            P,
            DecideFn::default(),
            FaultyPort::new(portal.store.clone(), &portal.world),
            portal.command_streams(5),
            locks,
        );
        portal.quiet(given.len()).await;
        writer.stop().await.unwrap();
        portal.check(&given).await;
        let refused = given.iter().filter(|command| !portal.is_accepted(command));
        assert_eq!(refused.map(|command| portal.refused(command)).collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn id_of_another_kind_of_aggregate_is_refused() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut user = create_user(UserId(auction.0));
    user.id = auction_wire::CommandId(fresh());
    let cancel = AuctionCommand::CancelAuction(CancelAuction);
    let on_user = of_auction(fresh(), AuctionId(ada.0), Actor::Operator(OperatorId::Unidentified), cancel);
    let portal = super::portal();
    let given = [create_user(ada), create_auction(auction), user, on_user];
    for (count, command) in given.iter().enumerate() {
        portal.submit(command).await;
        portal.work(100, count + 1).await;
    }
    assert_eq!(portal.refused(&given[2]), "id_in_use");
    assert_eq!(portal.refused(&given[3]), "id_in_use");
}

#[tokio::test(start_paused = true)]
async fn command_with_a_stale_version_is_refused() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut stale = place_bid(auction, ada, 200);
    stale.expect = Some(1);
    let portal =
        done(&[create_user(ada), create_auction(auction), place_bid(auction, ada, 100), stale.clone()], 100)
            .await;
    assert!(!portal.is_accepted(&stale));
}

#[tokio::test(start_paused = true)]
async fn unreadable_command_is_dead_lettered_alone() {
    let portal = super::portal();
    let unreadable = portal.streams.add(Channel::Bid, vec![(b"kind".to_vec(), b"raffle".to_vec())]).await;
    let auction = create_auction(AuctionId(fresh()));
    portal.submit(&auction).await;
    portal.work(100, 2).await;
    let dead = portal.streams.dead_letters();
    assert_eq!(
        dead.iter().map(|dead_letter| (dead_letter.channel, dead_letter.entry)).collect::<Vec<_>>(),
        [(Channel::Bid, unreadable)]
    );
    assert!(portal.is_accepted(&auction));
}

#[tokio::test(start_paused = true)]
async fn stored_events_are_published_on_takeover() {
    let portal = super::portal();
    let given: Vec<Command> = (0..1200).map(|_| create_user(UserId(fresh()))).collect();
    for command in &given {
        portal.submit(command).await;
    }
    portal.work(100, given.len()).await;
    // Only the event stream is lost.
    let empty = portal.with_empty_streams();
    empty.work(100, 0).await;
    assert_eq!(empty.streams.events().await, portal.store.events(P));
}

#[tokio::test(start_paused = true)]
async fn lost_stream_is_republished_up_to_the_limit() {
    let portal = super::portal();
    let history: Vec<NewEvent> = records(0, REPUBLISH_LIMIT + 700).into_iter().map(new_event).collect();
    let append = AppendBatch { partition: P, expected_head: 0, events: history, outcomes: Vec::new() };
    assert_eq!(portal.store.open().await.unwrap().append(&append).await.unwrap(), AppendResult::Committed);
    let writer = portal.start(100);
    let user = create_user(UserId(fresh()));
    portal.submit(&user).await;
    let published = async || {
        while portal.streams.acknowledged() < 1 {
            tokio::time::sleep(Duration::from_millis(50)).await; // in paused time
        }
    };
    tokio::time::timeout(Duration::from_secs(60), published()).await.expect("decided");
    writer.stop().await.unwrap();
    assert_eq!(portal.streams.events().await, portal.store.events(P)[700..]);
}

/// There are no commands, so only the idle check of both heads can detect it.
#[tokio::test(start_paused = true)]
async fn idle_writer_publishes_events_of_a_lost_writer_or_stream() {
    let portal = super::portal();
    let writer = portal.start(10);
    let given: Vec<Command> = (0..4).map(|_| create_user(UserId(fresh()))).collect();
    for command in &given[..3] {
        portal.submit(command).await;
    }
    portal.quiet(3).await;
    let other = portal.with_empty_streams();
    other.streams.publish(&portal.store.events(P)).await;
    other.submit(&given[3]).await;
    other.work(10, 1).await;
    assert_eq!(portal.store.events(P).len(), 4, "stored by a writer with other streams");
    portal.quiet(3).await;
    assert_eq!(portal.streams.events().await, portal.store.events(P));
    portal.streams.delete_events();
    portal.quiet(3).await;
    assert_eq!(portal.streams.events().await, portal.store.events(P));
    writer.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stream_with_another_history_stops_the_writer() {
    for (stored, published) in [(0, 3), (2, 3), (3, 3), (3, 2)] {
        let portal = super::portal();
        let given: Vec<Command> = (0..stored).map(|_| create_user(UserId(fresh()))).collect();
        for command in &given {
            portal.submit(command).await;
        }
        portal.work(100, given.len()).await;
        let restored = portal.with_empty_streams();
        restored.streams.publish(&records(0, published)).await;
        let writer = restored.start(10);
        let error = writer.ended().await.unwrap_err();
        assert!(matches!(error, WriterError::StreamDiverged { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn stopped_writer_leaves_the_consumer_group() {
    let portal = done(&[create_user(UserId(fresh()))], 100).await;
    assert_eq!(portal.streams.consumers().await, 0);
}
