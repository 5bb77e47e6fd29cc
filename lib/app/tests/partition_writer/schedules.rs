//! Random fault schedules: every port call may fail before or after its effect, writers are killed at any
//! point and replaced, and two writers run concurrently. Some commands cannot be processed, and sometimes one of the
//! writers does not know a kind of commands.

use crate::random_history::commands;
use crate::running_task::run_schedules;
use crate::test_portal::{RunningWriter, TestPortal, start_waiting_writer};
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::unknown_kinds::UnknownKinds;
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::older_writer::OlderStreams;
use auction_simulation::workload::decide_with_faults;
use auction_simulation::world::{Trace, World};
use auction_testkit::fixtures::P;
use auction_testkit::random::Random;
use std::time::Duration;

const SCHEDULES: u64 = 300;

fn start(portal: &TestPortal, random: &mut Random, unknown: Option<&'static str>) -> RunningWriter {
    let store = FaultyPort::new(portal.store.clone(), &portal.world);
    let streams = OlderStreams { streams: portal.command_streams(random.below(6) as usize + 1), unknown };
    // Longer than any schedule: there is always a writer that knows the kind.
    let unknown_kinds = UnknownKinds::new(Duration::from_secs(100_000));
    let (decide, locks) = (DecideFn(decide_with_faults), portal.locks.clone());
    start_waiting_writer(P, decide, store, streams, locks, unknown_kinds)
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let portal = super::portal_in(World::new(seed + 1_000_000, Trace::Off));
    portal.world.set_failure_rate(random.below(120));
    let commands = commands(&mut random);
    for _ in 0..random.below(3) {
        portal.store.reject(random.pick(&commands).id);
    }
    let unknown = [None, random.chance(500).then_some("place_bid")];
    let mut writers = unknown.map(|unknown| start(&portal, &mut random, unknown));
    for command in &commands {
        portal.submit(command).await;
        if random.chance(300) {
            tokio::time::sleep(Duration::from_millis(random.below(60))).await;
        }
        if random.chance(60) {
            let at = random.below(2) as usize;
            std::mem::replace(&mut writers[at], start(&portal, &mut random, unknown[at])).kill();
        }
    }
    tokio::time::sleep(Duration::from_millis(random.below(20_000))).await;
    portal.world.set_failure_rate(0);
    let [stays, goes] = writers;
    if random.chance(500) {
        goes.kill();
        portal.quiet(commands.len()).await;
    } else {
        portal.quiet(commands.len()).await;
        goes.stop().await.unwrap();
    }
    // A writer that was interrupted after the last acknowledgement must still take over once.
    tokio::time::sleep(Duration::from_secs(20)).await;
    stays.stop().await.unwrap();
    portal.check(&commands).await;
    portal.world.failures()
}

#[tokio::test(start_paused = true)]
async fn each_command_has_one_outcome_in_order_under_random_faults() {
    run_schedules(SCHEDULES, schedule).await;
}
