//! Random schedules: every call of every port may fail before it does anything or after it did, lanes
//! are killed anywhere and replaced, and two of them run at once without knowing of each other. Some
//! commands cannot be handled.

use crate::random_history::commands;
use crate::test_portal::{Running, World};
use auction_app::writer::aggregate_cache::Aggregate;
use auction_app::writer::dispatch::DecideFn;
use auction_domain::auction::{AuctionCommand, PlaceBid};
use auction_domain::{Refused, Timestamp};
use auction_testkit::fault_injection::{FaultInjector, FaultyPort};
use auction_testkit::random::Random;
use auction_wire::{Command, CommandBody, Event};
use std::time::Duration;

const SCHEDULES: u64 = 300;

/// The rules of the house, but that they panic at some bids.
fn cursed(aggregate: &Aggregate, command: &Command, at: Timestamp) -> Result<Vec<Event>, Refused> {
    if let CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { amount, .. })) = &command.body {
        assert!(amount.minor_units() % 29 != 0, "cursed");
    }
    (DecideFn::default().0)(aggregate, command, at)
}

fn start(world: &World, weather: &FaultInjector, random: &mut Random) -> Running {
    let count = random.below(6) as usize + 1;
    let (store, lanes) =
        (FaultyPort::new(world.store.clone(), weather), FaultyPort::new(world.lanes(count), weather));
    let locks = world.locks.as_ref().map(|locks| FaultyPort::new(locks.clone(), weather));
    Running::start(DecideFn(cursed), store, lanes, locks)
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let (world, weather) = (super::world(), FaultInjector::new(seed + 1_000_000, random.below(120)));
    let commands = commands(&mut random);
    for _ in 0..random.below(3) {
        world.store.reject(random.pick(&commands).id);
    }
    let mut lanes = [start(&world, &weather, &mut random), start(&world, &weather, &mut random)];
    for command in &commands {
        world.give(command).await;
        if random.chance(300) {
            tokio::time::sleep(Duration::from_millis(random.below(60))).await;
        }
        if random.chance(60) {
            let lane = &mut lanes[random.below(2) as usize];
            std::mem::replace(lane, start(&world, &weather, &mut random)).kill();
        }
    }
    tokio::time::sleep(Duration::from_millis(random.below(20_000))).await;
    weather.stop_failing();
    let [stays, goes] = lanes;
    if random.chance(500) {
        goes.kill();
        world.quiet(commands.len()).await;
    } else {
        world.quiet(commands.len()).await;
        goes.stop().await.unwrap();
    }
    // A lane that was interrupted after the last acknowledgement still has to look once more.
    tokio::time::sleep(Duration::from_secs(20)).await;
    stays.stop().await.unwrap();
    world.check(&commands);
    weather.failures()
}

#[tokio::test(start_paused = true)]
async fn one_outcome_each_in_order_and_nothing_left_whatever_fails_whenever() {
    let mut failures = 0;
    for seed in 0..SCHEDULES {
        // Where it stops, if it does.
        eprintln!("seed {seed}");
        failures += schedule(seed).await;
    }
    assert!(failures > 5 * SCHEDULES, "{failures} failures were injected");
}
