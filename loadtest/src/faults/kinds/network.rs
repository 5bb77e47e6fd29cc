//! The network is slow, holds everything back, or breaks in the middle of replies: of one process or of all, to one
//! server or to both.

use super::{FaultRecord, any, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::proxy::{LinkState, Proxy};
use auction_testkit::random::Random;
use std::time::Duration;

pub(super) async fn slow(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (longer, hold) = (between(random, 20, 250), between(random, 1_000, 4_000));
    for_a_time(fleet, random, LinkState::Slow(longer), hold).await
}

/// Also for longer than leases and time-outs last; then what was held back gets there all the same.
pub(super) async fn held(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 500, 8_000);
    for_a_time(fleet, random, LinkState::Held, hold).await
}

pub(super) async fn cuts(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 200, 2_000);
    for_a_time(fleet, random, LinkState::Cuts, hold).await
}

async fn for_a_time(
    fleet: &Fleet,
    random: &mut Random,
    weather: LinkState,
    hold: Duration,
) -> Result<FaultRecord, Failure> {
    let one = any(fleet, random);
    let slots: Vec<_> = if random.chance(700) { vec![one] } else { fleet.slots.iter().collect() };
    let servers = *random.pick(&["Redis", "Postgres", "both"]);
    let ways = |server| slots.iter().filter(move |_| servers == server || servers == "both");
    let redis = ways("Redis").map(|slot| &slot.redis);
    let ways: Vec<&Proxy> = redis.chain(ways("Postgres").map(|slot| &slot.postgres)).collect();
    // One weather at a time.
    let _network = fleet.network.lock().await;
    ways.iter().for_each(|way| way.set(weather));
    tokio::time::sleep(hold).await;
    ways.iter().for_each(|way| way.set(LinkState::Clear));
    Ok(match slots[..] {
        [one] => FaultRecord::to(one, format!("{} to {servers}, {weather:?} for {hold:?}", one.name)),
        _ => FaultRecord::to_all(format!("everybody to {servers}, {weather:?} for {hold:?}")),
    })
}
