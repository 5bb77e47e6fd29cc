//! Tests of a roll-out: a writer of an earlier version does not know a kind of commands. Such a command, and all
//! commands after it, wait for a newer writer, for a limited time.

use crate::test_portal::{RunningWriter, TestPortal};
use auction_app::writer::partition_writer::WriterError;
use auction_domain::{AuctionId, BidId, UserId};
use auction_testkit::fixtures::{P, create_auction, create_user, delete_bid, fresh, place_bid};
use auction_wire::Command;
use std::time::Duration;
use tokio::time::Instant;

const WAIT: Duration = Duration::from_secs(60);

/// A user with an auction.
struct Bidder(UserId, AuctionId);

impl Bidder {
    fn new() -> Bidder {
        Bidder(UserId(fresh()), AuctionId(fresh()))
    }

    /// Returns the commands that create the user and the auction, and a bid.
    fn creation(&self) -> Vec<Command> {
        vec![create_user(self.0), create_auction(self.1), place_bid(self.1, self.0, 100)]
    }

    /// Returns a deletion of that bid, which the older writer does not know, and bids after it.
    fn deletion_and_bids(&self, bid: &Command) -> Vec<Command> {
        let bids = [150, 200, 300].map(|amount| place_bid(self.1, self.0, amount));
        [delete_bid(self.1, self.0, BidId(bid.id.0))].into_iter().chain(bids).collect()
    }
}

/// Starts a writer that does not know deletions of bids.
fn start_older(portal: &TestPortal, count: usize) -> RunningWriter {
    portal.start_older(count, "delete_bid", WAIT)
}

async fn submit(portal: &TestPortal, commands: &[Command]) {
    for command in commands {
        portal.submit(command).await;
    }
}

/// Returns how many of the commands are decided.
fn decided(portal: &TestPortal, commands: &[Command]) -> usize {
    let outcomes = portal.store.all_outcomes();
    commands.iter().filter(|command| outcomes.contains_key(&command.id)).count()
}

#[tokio::test(start_paused = true)]
async fn unknown_command_and_later_ones_wait_for_a_newer_writer() {
    for count in [1, 2, 100] {
        let (portal, bidder) = (super::portal(), Bidder::new());
        let mut given = bidder.creation();
        let later = bidder.deletion_and_bids(&given[2]);
        given.extend(later.iter().cloned());
        submit(&portal, &given).await;
        let older = start_older(&portal, count);
        portal.quiet(3).await;
        tokio::time::sleep(WAIT / 2).await;
        assert_eq!(decided(&portal, &later), 0, "no later command overtakes, {count} at a time");
        let newer = portal.start(count);
        portal.quiet(given.len()).await;
        assert!(given.iter().all(|command| portal.is_accepted(command)));
        older.stop().await.unwrap();
        newer.stop().await.unwrap();
        portal.check(&given).await;
        assert!(portal.streams.dead_letters().is_empty());
    }
}

/// The newer writer stops again. The next unknown command waits for the whole time, not for the rest of it.
#[tokio::test(start_paused = true)]
async fn wait_begins_again_after_a_newer_writer_decided() {
    let (portal, bidder) = (super::portal(), Bidder::new());
    let mut given = bidder.creation();
    given.extend(bidder.deletion_and_bids(&given[2]));
    submit(&portal, &given).await;
    let older = start_older(&portal, 100);
    tokio::time::sleep(WAIT * 2 / 3).await;
    portal.work(100, given.len()).await;
    // The older writer works again.
    let again = [place_bid(bidder.1, bidder.0, 400)];
    submit(&portal, &again).await;
    portal.quiet(given.len() + 1).await;
    let later = bidder.deletion_and_bids(&again[0]);
    submit(&portal, &later[..1]).await;
    tokio::time::sleep(WAIT * 2 / 3).await;
    assert_eq!(decided(&portal, &later), 0);
    portal.work(100, given.len() + 2).await;
    older.stop().await.unwrap();
    assert!(portal.is_accepted(&later[0]));
    assert!(portal.streams.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unknown_command_is_dead_lettered_after_the_wait() {
    for count in [1, 100] {
        let (portal, bidder) = (super::portal(), Bidder::new());
        let mut given = bidder.creation();
        given.extend(bidder.deletion_and_bids(&given[2]));
        submit(&portal, &given).await;
        let (older, began) = (start_older(&portal, count), Instant::now());
        portal.quiet(given.len()).await;
        assert!((WAIT..WAIT + Duration::from_secs(5)).contains(&began.elapsed()), "{:?}", began.elapsed());
        let dead = portal.streams.dead_letters();
        assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "unreadable"));
        assert!(dead[0].error.contains("unknown kind `delete_bid`"), "{}", dead[0].error);
        assert_eq!(given.iter().filter(|command| portal.is_accepted(command)).count(), given.len() - 1);
        // A rollback leaves many such commands: only the first one waits.
        let (more, began) = (bidder.deletion_and_bids(&given[4]), Instant::now());
        submit(&portal, &more).await;
        portal.quiet(given.len() + more.len()).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        older.stop().await.unwrap();
        given.extend(more);
        assert_eq!(portal.streams.dead_letters().len(), 2);
    }
}

/// The auction has an event that a newer writer stored.
#[tokio::test(start_paused = true)]
async fn command_on_an_unknown_event_waits_for_a_newer_writer() {
    let (portal, bidder) = (super::portal(), Bidder::new());
    let mut given = bidder.creation();
    // The last event identifies the history of the stream: it is another one.
    given.push(create_user(UserId(fresh())));
    submit(&portal, &given).await;
    portal.work(100, given.len()).await;
    let kind = portal.store.change_kind(P, 3, "bid_raffled");
    portal.store.forget_snapshots();
    let bids = [150, 200].map(|amount| place_bid(bidder.1, bidder.0, amount));
    submit(&portal, &bids).await;
    given.extend(bids.iter().cloned());
    let older = start_older(&portal, 100);
    tokio::time::sleep(WAIT / 2).await;
    assert_eq!(decided(&portal, &bids), 0);
    // A newer writer knows the kind.
    portal.store.change_kind(P, 3, &kind);
    portal.work(100, given.len()).await;
    older.stop().await.unwrap();
    assert!(given.iter().all(|command| portal.is_accepted(command)));
    // Without one, the older writer ends, as it cannot dead-letter an event.
    portal.store.change_kind(P, 3, "bid_raffled");
    portal.store.forget_snapshots();
    submit(&portal, &[place_bid(bidder.1, bidder.0, 400)]).await;
    let (older, began) = (start_older(&portal, 100), Instant::now());
    let error = older.ended().await.unwrap_err();
    assert!(matches!(error, WriterError::Unreadable { .. }), "{error}");
    assert!(began.elapsed() >= WAIT);
}

#[tokio::test(start_paused = true)]
async fn waiting_writer_stops_at_once() {
    let (portal, bidder) = (super::portal(), Bidder::new());
    let mut given = bidder.creation();
    given.extend(bidder.deletion_and_bids(&given[2]));
    submit(&portal, &given).await;
    let older = start_older(&portal, 100);
    portal.quiet(3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    older.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    portal.work(100, given.len()).await;
    portal.check(&given).await;
}
