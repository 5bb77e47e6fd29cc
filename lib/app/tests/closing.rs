//! The real auctioneer, lane and streams in memory: whatever the clock of an auctioneer says, an auction
//! is closed once, and not before its end.

use crate::test_portal::World;
use auction_app::auctioneer::closing::{self, ClosingHandler, ClosingSchedule};
use auction_app::consume::{SubscriptionConfig, run_consumer};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::auction::AuctionCommand;
use auction_domain::{AuctionId, DurationMs, Timestamp, UserId};
use auction_testkit::fixtures::{AT, P, create_auction, create_user, fresh, place_bid};
use auction_testkit::memory::{MemoryEventStreams, MemoryParkedEvents, MemoryQueue, MemoryRevocations};
use auction_wire::{Command, CommandBody, EventRecord, PartitionCount};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

/// The queue as an auctioneer sees it whose clock is so many seconds ahead.
struct Skewed(MemoryQueue, i64);

impl CommandQueue for Skewed {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        self.0.submit(command).await
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(Timestamp(self.0.now().await?.0 + self.1 * 1000))
    }
}

fn start_auctioneer(world: &World, skew: i64) -> ShutdownTrigger {
    let (stopper, stop) = shutdown_pair();
    let (schedule, departed) = (Arc::new(ClosingSchedule::default()), Arc::new(Notify::new()));
    let watch = ClosingHandler::new(P, Arc::clone(&schedule), Arc::clone(&departed));
    let deletions = world.store.clone();
    let (stores, feeds) = (world.store.clone(), MemoryEventStreams(world.streams.clone(), 10));
    let of = |name: &str| Health::default().register(name);
    let subscription =
        SubscriptionConfig { component: "auctioneer", partition: P, health: of("watch"), stop: stop.clone() };
    tokio::spawn(async move {
        run_consumer(&stores, &feeds, &MemoryParkedEvents::default(), subscription, watch).await.unwrap()
    });
    let queue = Skewed(MemoryQueue(world.streams.clone(), PartitionCount::new(4).unwrap()), skew);
    let health = of("closing");
    tokio::spawn(async move {
        let nobody_hears = MemoryRevocations::default();
        closing::run(&queue, &deletions, &nobody_hears, &schedule, &departed, &health, stop).await;
    });
    stopper
}

fn ending(auction: AuctionId, ends_at: Timestamp) -> Command {
    let mut command = create_auction(auction);
    if let CommandBody::Auction(AuctionCommand::CreateAuction(create)) = &mut command.body {
        create.ends_at = ends_at;
    }
    command
}

fn closings(world: &World, auction: AuctionId) -> Vec<EventRecord> {
    let closes = |event: &EventRecord| matches!(&*event.kind, "winner_announced" | "auction_closed_unsold");
    world.store.events(P).into_iter().filter(|event| event.key == auction.0 && closes(event)).collect()
}

/// When an auction was closed that ended after a minute, with one auctioneer for each skew.
async fn closed_at(skews: &[i64]) -> Timestamp {
    const AUCTIONS: usize = 5;
    let world = World::new(false);
    let lane = world.start(100);
    let auctioneers: Vec<ShutdownTrigger> =
        skews.iter().map(|skew| start_auctioneer(&world, *skew)).collect();
    let (ada, ends_at) = (UserId(fresh()), AT + DurationMs::seconds(60));
    world.give(&create_user(ada)).await;
    let auctions: Vec<AuctionId> = (0..AUCTIONS).map(|_| AuctionId(fresh())).collect();
    for auction in &auctions {
        world.give(&ending(*auction, ends_at)).await;
        world.give(&place_bid(*auction, ada, 100)).await;
    }
    for second in 0..450 {
        world.streams.set_clock(AT + DurationMs::seconds(second));
        tokio::time::sleep(Duration::from_secs(1)).await; // in paused time
    }
    auctioneers.iter().for_each(ShutdownTrigger::stop);
    lane.stop().await.unwrap();
    let closings: Vec<EventRecord> = auctions.iter().flat_map(|auction| closings(&world, *auction)).collect();
    assert_eq!(closings.len(), AUCTIONS, "each once");
    assert!(closings.iter().all(|closing| closing.kind == "winner_announced" && closing.at >= ends_at));
    closings.iter().map(|closing| closing.at).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_clock_ahead_or_behind_closes_an_auction_once_and_never_before_its_end() {
    let ends_at = AT + DurationMs::seconds(60);
    assert!(closed_at(&[0]).await < ends_at + DurationMs::seconds(3), "a clock that is right");
    assert!(closed_at(&[600]).await < ends_at + DurationMs::seconds(330), "ten minutes ahead");
    assert!(closed_at(&[-300]).await < ends_at + DurationMs::seconds(303), "five minutes behind");
    assert!(closed_at(&[-300, 0, 600]).await < ends_at + DurationMs::seconds(3), "three of them");
}
