//! What commands come to.

use crate::test_portal::{Running, World};
use auction_app::ports::events::event_store::{
    AppendBatch, AppendResult, EventStore, EventStoreConnector, NewEvent,
};
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::WriterError;
use auction_app::writer::takeover::REPUBLISH_LIMIT;
use auction_domain::auction::{AuctionCommand, CancelAuction};
use auction_domain::{Actor, AuctionId, BidId, UserId};
use auction_testkit::fault_injection::{FaultInjector, FaultyPort};
use auction_testkit::fixtures::{
    P, create_auction, create_user, delete_bid, delete_user, fresh, of_auction, place_bid, records,
};
use auction_wire::{Channel, Command, EventRecord, Outcome};
use std::time::Duration;

fn new_event(record: EventRecord) -> NewEvent {
    NewEvent { event: record.event().unwrap(), record, actor: Actor::Portal }
}

async fn done(commands: &[Command], count: usize) -> World {
    let world = super::world();
    for command in commands {
        world.give(command).await;
    }
    world.work(count, commands.len()).await;
    world.check(commands);
    world
}

#[tokio::test(start_paused = true)]
async fn commands_become_events_outcomes_and_replies() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut quiet = place_bid(auction, ada, 100);
    quiet.reply.clear();
    let commands = [create_user(ada), create_auction(auction), quiet, place_bid(auction, ada, 100)];
    let world = done(&commands, 100).await;
    let kinds: Vec<String> = world.store.events(P).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["user_created", "auction_created", "bid_placed"]);
    assert_eq!(world.refused(&commands[3]), "not_above_your_latest");
    assert_eq!(world.outcome(&commands[3]).position, 3);
    let replied: Vec<Outcome> = world.streams.replies(P).into_iter().map(|(_, outcome)| outcome).collect();
    let expected = [0, 1, 3].map(|n: usize| world.outcome(&commands[n]));
    assert_eq!(replied, expected, "only to those who wait");
}

#[tokio::test(start_paused = true)]
async fn a_command_given_again_has_one_effect_and_the_same_answer() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let bid = place_bid(auction, ada, 500);
    let higher = place_bid(auction, ada, 600);
    let commands = [create_user(ada), create_auction(auction), bid.clone(), bid.clone(), higher, bid.clone()];
    for count in [1, 2, 100] {
        let world = done(&commands, count).await;
        assert_eq!(world.store.events(P).len(), 4);
        let answers = world.streams.replies(P).into_iter().filter(|(_, reply)| reply.command == bid.id);
        let answers: Vec<Outcome> = answers.map(|(_, outcome)| outcome).collect();
        assert_eq!(answers, vec![world.outcome(&bid); 3], "{count} at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bid_given_again_after_it_was_deleted_is_not_placed_again() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let bid = place_bid(auction, ada, 500);
    let delete = delete_bid(auction, ada, BidId(bid.id.0));
    let commands = [create_user(ada), create_auction(auction), bid.clone(), delete, bid];
    for count in [1, 100] {
        assert_eq!(done(&commands, count).await.store.events(P).len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_deleted_sender_is_refused() {
    let (ada, nobody, auction) = (UserId(fresh()), UserId(fresh()), AuctionId(fresh()));
    let create = [create_user(ada), create_auction(auction), place_bid(auction, nobody, 100)];
    let bids = [place_bid(auction, ada, 100), delete_user(ada), place_bid(auction, ada, 200)];
    // One at a time, since accounts come before bids in a batch.
    let world = super::world();
    for (given, command) in create.iter().chain(&bids).enumerate() {
        world.give(command).await;
        world.work(100, given + 1).await;
    }
    assert_eq!(world.refused(&create[2]), "unknown_sender");
    assert!(world.is_accepted(&bids[0]));
    assert_eq!(world.refused(&bids[2]), "unknown_sender");
}

#[tokio::test(start_paused = true)]
async fn a_small_memory_refuses_nobody_who_exists() {
    let auction = AuctionId(fresh());
    let users: Vec<UserId> = (0..20).map(|_| UserId(fresh())).collect();
    let world = super::world();
    let mut given: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    given.push(create_auction(auction));
    given.extend((100..).zip(&users).map(|(amount, user)| place_bid(auction, *user, amount)));
    for command in &given {
        world.give(command).await;
    }
    world.work(100, given.len()).await;
    world.check(&given);
    let refused: Vec<String> =
        given.iter().filter(|command| !world.is_accepted(command)).map(|c| world.refused(c)).collect();
    assert_eq!(refused, Vec::<String>::new());
}

/// While a batch is being stored, the next is decided on top of it: by what is in memory and not in the store.
#[tokio::test(start_paused = true)]
async fn what_is_decided_and_not_stored_is_remembered_however_small_the_memory() {
    for seed in 0..30 {
        let world = super::world();
        let users: [UserId; 5] = std::array::from_fn(|_| UserId(fresh()));
        let auctions: [AuctionId; 5] = std::array::from_fn(|_| AuctionId(fresh()));
        let mut given: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
        given.extend(auctions.iter().map(|auction| create_auction(*auction)));
        given.extend((0..20).map(|n| place_bid(auctions[n % 5], users[n / 5], 100 + n as u64)));
        for command in &given {
            world.give(command).await;
        }
        let slow = FaultInjector::new(seed, 0);
        let locks = world.locks.clone();
        let lane = Running::start(
            DecideFn::default(),
            FaultyPort::new(world.store.clone(), &slow),
            world.lanes(5),
            locks,
        );
        world.quiet(given.len()).await;
        lane.stop().await.unwrap();
        world.check(&given);
        let refused = given.iter().filter(|command| !world.is_accepted(command));
        assert_eq!(refused.map(|command| world.refused(command)).collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_in_use_for_something_else_is_refused() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut user = create_user(UserId(auction.0));
    user.id = auction_wire::CommandId(fresh());
    let cancel = AuctionCommand::CancelAuction(CancelAuction);
    let on_user = of_auction(fresh(), AuctionId(ada.0), Actor::Operator, cancel);
    let world = super::world();
    let given = [create_user(ada), create_auction(auction), user, on_user];
    for (count, command) in given.iter().enumerate() {
        world.give(command).await;
        world.work(100, count + 1).await;
    }
    assert_eq!(world.refused(&given[2]), "id_in_use");
    assert_eq!(world.refused(&given[3]), "id_in_use");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_moved_on_is_refused() {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut stale = place_bid(auction, ada, 200);
    stale.expect = Some(1);
    let world =
        done(&[create_user(ada), create_auction(auction), place_bid(auction, ada, 100), stale.clone()], 100)
            .await;
    assert!(!world.is_accepted(&stale));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_put_away_and_the_rest_goes_on() {
    let world = super::world();
    let nonsense = world.streams.add(P, Channel::Bid, vec![(b"kind".to_vec(), b"raffle".to_vec())]);
    let auction = create_auction(AuctionId(fresh()));
    world.give(&auction).await;
    world.work(100, 2).await;
    let dead = world.streams.dead(P);
    assert_eq!(
        dead.iter().map(|letter| (letter.channel, letter.entry)).collect::<Vec<_>>(),
        [(Channel::Bid, nonsense)]
    );
    assert!(world.is_accepted(&auction));
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_and_not_published_is_published_by_the_next_lane() {
    let world = super::world();
    let given: Vec<Command> = (0..1200).map(|_| create_user(UserId(fresh()))).collect();
    for command in &given {
        world.give(command).await;
    }
    world.work(100, given.len()).await;
    // A Redis without its event stream: everything else of it is as it was.
    let empty = world.with_empty_streams();
    empty.work(100, 0).await;
    assert_eq!(empty.streams.events(P), world.store.events(P));
}

#[tokio::test(start_paused = true)]
async fn a_lost_stream_of_a_long_history_begins_near_its_head() {
    let world = super::world();
    let history: Vec<NewEvent> = records(0, REPUBLISH_LIMIT + 700).into_iter().map(new_event).collect();
    let append = AppendBatch {
        partition: P,
        expected_head: 0,
        known_deletions: 0,
        events: history,
        outcomes: Vec::new(),
    };
    assert_eq!(world.store.open().await.unwrap().append(&append).await.unwrap(), AppendResult::Committed);
    let lane = world.start(100);
    let newcomer = create_user(UserId(fresh()));
    world.give(&newcomer).await;
    let published = async || {
        while world.streams.acknowledged(P) < 1 {
            tokio::time::sleep(Duration::from_millis(50)).await; // in paused time
        }
    };
    tokio::time::timeout(Duration::from_secs(60), published()).await.expect("decided");
    lane.stop().await.unwrap();
    assert_eq!(world.streams.events(P), world.store.events(P)[700..]);
}

/// Nothing comes in, nothing is pending: only a look at both ends shows it.
#[tokio::test(start_paused = true)]
async fn an_idle_lane_publishes_what_a_lost_writer_stored_and_mends_a_deleted_stream() {
    let world = super::world();
    let lane = world.start(10);
    let given: Vec<Command> = (0..4).map(|_| create_user(UserId(fresh()))).collect();
    for command in &given[..3] {
        world.give(command).await;
    }
    world.quiet(3).await;
    let other = world.with_empty_streams();
    other.streams.publish(P, &world.store.events(P));
    other.give(&given[3]).await;
    other.work(10, 1).await;
    assert_eq!(world.store.events(P).len(), 4, "stored by somebody who reads another stream");
    world.quiet(3).await;
    assert_eq!(world.streams.events(P), world.store.events(P));
    world.streams.delete_events(P);
    world.quiet(3).await;
    assert_eq!(world.streams.events(P), world.store.events(P));
    lane.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_with_another_history_stops_the_lane() {
    for (stored, published) in [(0, 3), (2, 3), (3, 3), (3, 2)] {
        let world = super::world();
        let given: Vec<Command> = (0..stored).map(|_| create_user(UserId(fresh()))).collect();
        for command in &given {
            world.give(command).await;
        }
        world.work(100, given.len()).await;
        let restored = world.with_empty_streams();
        restored.streams.publish(P, &records(0, published));
        let lane = restored.start(10);
        let error = lane.ended().await.unwrap_err();
        assert!(matches!(error, WriterError::StreamDiverged { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_told_to_stop_leaves_the_group() {
    let world = done(&[create_user(UserId(fresh()))], 100).await;
    assert_eq!(world.streams.consumers(P), 0);
}
