//! The network is slow, holds everything back, or breaks in the middle of replies: of one process or of all, to one
//! server or to both.

use super::{any, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::proxy::{Proxy, Weather};
use auction_testkit::random::Random;
use std::time::Duration;

pub(super) async fn slow(fleet: &Fleet, random: &mut Random) -> Result<String, Failure> {
    let (longer, hold) = (between(random, 20, 250), between(random, 1_000, 4_000));
    for_a_time(fleet, random, Weather::Slow(longer), hold).await
}

/// Also for longer than leases and time-outs last; then what was held back gets there all the same.
pub(super) async fn held(fleet: &Fleet, random: &mut Random) -> Result<String, Failure> {
    let hold = between(random, 500, 8_000);
    for_a_time(fleet, random, Weather::Held, hold).await
}

pub(super) async fn cuts(fleet: &Fleet, random: &mut Random) -> Result<String, Failure> {
    let hold = between(random, 200, 2_000);
    for_a_time(fleet, random, Weather::Cuts, hold).await
}

async fn for_a_time(
    fleet: &Fleet,
    random: &mut Random,
    weather: Weather,
    hold: Duration,
) -> Result<String, Failure> {
    let one = any(fleet, random);
    let slots: Vec<_> = if random.chance(700) { vec![one] } else { fleet.slots.iter().collect() };
    let servers = *random.pick(&["Redis", "Postgres", "both"]);
    let ways = |server| slots.iter().filter(move |_| servers == server || servers == "both");
    let redis = ways("Redis").map(|slot| &slot.redis);
    let ways: Vec<&Proxy> = redis.chain(ways("Postgres").map(|slot| &slot.postgres)).collect();
    ways.iter().for_each(|way| way.be(weather));
    tokio::time::sleep(hold).await;
    ways.iter().for_each(|way| way.be(Weather::Clear));
    let whose = if let [one] = slots[..] { one.name.as_str() } else { "everybody" };
    Ok(format!("{whose} to {servers}, {weather:?} for {hold:?}"))
}
