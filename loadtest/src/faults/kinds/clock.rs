//! Fault: the clock of a process is wrong by minutes.

use super::{FaultRecord, random_duration, random_slot};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;

pub(super) async fn wrong(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, duration) = (random_slot(fleet, random), random_duration(random, 1_500, 5_000));
    let minutes = i64::try_from(2 + random.below(28))? * if random.chance(500) { 1 } else { -1 };
    let clock = slot.clock.as_ref().ok_or("clock faults are disabled")?;
    clock.set_offset(60 * minutes)?;
    tokio::time::sleep(duration).await;
    clock.set_offset(0)?;
    Ok(FaultRecord::of_process(slot, format!("{} by {minutes} minutes for {duration:?}", slot.name)))
}
