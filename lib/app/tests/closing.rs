//! Tests of the real auctioneer and partition writer on in-memory ports: an auction is closed once and not
//! before its end, whatever clock an auctioneer reads.

use crate::running_task::{RunningTask, start_auctioneer, until};
use crate::test_portal::{MAX_CLOSE_SKEW, TestPortal};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::auction::AuctionCommand;
use auction_domain::{AuctionId, DurationMs, Timestamp, UserId};
use auction_simulation::streams::Streams;
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{AT, P, create_auction, create_user, fresh, place_bid};
use auction_wire::{Command, CommandBody, EventRecord};
use std::time::Duration;

/// Queue whose clock is ahead by this number of seconds.
struct Skewed(Streams, i64);

#[async_trait]
impl CommandQueue for Skewed {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        self.0.submit(command).await
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(Timestamp(self.0.now().await?.0 + self.1 * 1000))
    }
}

fn ending(auction: AuctionId, ends_at: Timestamp) -> Command {
    let mut command = create_auction(auction);
    if let CommandBody::Auction(AuctionCommand::CreateAuction(create)) = &mut command.body {
        create.ends_at = ends_at;
    }
    command
}

fn closings(portal: &TestPortal, auction: AuctionId) -> Vec<EventRecord> {
    let closes = |event: &EventRecord| matches!(&*event.kind, "winner_announced" | "auction_closed_unsold");
    portal.store.events(P).into_iter().filter(|event| event.key == auction.0 && closes(event)).collect()
}

/// Runs one auctioneer per clock skew, in seconds, and returns the time at which auctions of one minute were
/// closed.
async fn closed_at(skews: &[i64]) -> Timestamp {
    const AUCTIONS: usize = 5;
    let portal = TestPortal::calm();
    let writer = portal.start(100);
    let start = |skew: &i64| {
        let queue = Skewed(portal.streams.clone(), *skew);
        start_auctioneer(portal.store.clone(), portal.streams.event_connector(10), queue)
    };
    let auctioneers: Vec<RunningTask<()>> = skews.iter().map(start).collect();
    let (ada, ends_at) = (UserId(fresh()), AT + DurationMs::seconds(60));
    portal.submit(&create_user(ada)).await;
    let auctions: Vec<AuctionId> = (0..AUCTIONS).map(|_| AuctionId(fresh())).collect();
    for auction in &auctions {
        portal.submit(&ending(*auction, ends_at)).await;
        portal.submit(&place_bid(*auction, ada, 100)).await;
    }
    tokio::time::sleep(Duration::from_secs(450)).await; // in paused time
    auctioneers.iter().for_each(RunningTask::kill);
    writer.stop().await.unwrap();
    let closings: Vec<EventRecord> =
        auctions.iter().flat_map(|auction| closings(&portal, *auction)).collect();
    assert_eq!(closings.len(), AUCTIONS, "each once");
    assert!(closings.iter().all(|closing| closing.kind == "winner_announced" && closing.at >= ends_at));
    closings.iter().map(|closing| closing.at).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn auction_is_closed_once_and_after_its_end_despite_clock_skew() {
    let ends_at = AT + DurationMs::seconds(60);
    assert!(closed_at(&[0]).await < ends_at + DurationMs::seconds(3), "correct clock");
    assert!(closed_at(&[600]).await < ends_at + DurationMs::seconds(330), "clock ten minutes ahead");
    assert!(closed_at(&[-300]).await < ends_at + DurationMs::seconds(303), "clock five minutes slow");
    assert!(closed_at(&[-300, 0, 600]).await < ends_at + DurationMs::seconds(3), "three auctioneers");
}

#[tokio::test(start_paused = true)]
async fn auction_is_not_closed_early_when_the_clock_of_redis_was_ahead() {
    let portal = TestPortal::calm();
    let writer = portal.start(100);
    let queue = portal.streams.clone();
    let auctioneer = start_auctioneer(portal.store.clone(), portal.streams.event_connector(10), queue);
    let (ada, auction, end) = (UserId(fresh()), AuctionId(fresh()), Duration::from_secs(240));
    portal.submit(&create_user(ada)).await;
    portal.submit(&ending(auction, AT + DurationMs::seconds(240))).await;
    portal.submit(&place_bid(auction, ada, 100)).await;
    portal.quiet(3).await;
    portal.world.set_clock_ahead(Duration::from_secs(290));
    tokio::time::sleep(Duration::from_secs(1)).await;
    portal.world.set_clock_ahead(Duration::ZERO);
    until("the auction is closed", async || !closings(&portal, auction).is_empty()).await;
    let elapsed = Duration::from_millis(portal.world.elapsed());
    assert!(elapsed + MAX_CLOSE_SKEW >= end, "closed after {elapsed:?}");
    assert!(elapsed < end + Duration::from_secs(10), "closed after {elapsed:?}");
    auctioneer.kill();
    writer.stop().await.unwrap();
}
