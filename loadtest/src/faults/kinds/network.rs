//! Faults of the network between processes and servers: slow, stalled, or broken in the middle of replies.

use super::{FaultRecord, random_duration, random_slot};
use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::proxy::{LinkState, Proxy};
use auction_testkit::random::Random;
use std::time::Duration;

pub(super) async fn slow(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (delay, duration) = (random_duration(random, 20, 250), random_duration(random, 1_000, 4_000));
    for_a_time(fleet, random, LinkState::Slow(delay), duration).await
}

/// Sometimes longer than leases and timeouts; the held data arrives afterwards.
pub(super) async fn held(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 500, 8_000);
    for_a_time(fleet, random, LinkState::Held, duration).await
}

pub(super) async fn cuts(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 200, 2_000);
    for_a_time(fleet, random, LinkState::Cuts, duration).await
}

async fn for_a_time(
    fleet: &Fleet,
    random: &mut Random,
    state: LinkState,
    duration: Duration,
) -> Result<FaultRecord, Failure> {
    let one = random_slot(fleet, random);
    let slots: Vec<_> = if random.chance(700) { vec![one] } else { fleet.slots.iter().collect() };
    let servers = *random.pick(&["Redis", "Postgres", "both"]);
    let links = |server| slots.iter().filter(move |_| servers == server || servers == "both");
    let redis = links("Redis").map(|slot| &slot.redis);
    let links: Vec<&Proxy> = redis.chain(links("Postgres").map(|slot| &slot.postgres)).collect();
    // Only one network fault at a time.
    let _network = fleet.network.lock().await;
    links.iter().for_each(|link| link.set(state));
    tokio::time::sleep(duration).await;
    links.iter().for_each(|link| link.set(LinkState::Clear));
    Ok(match slots[..] {
        [one] => {
            FaultRecord::of_process(one, format!("{} to {servers}: {state:?} for {duration:?}", one.name))
        }
        _ => FaultRecord::of_many(format!("all processes to {servers}: {state:?} for {duration:?}")),
    })
}
