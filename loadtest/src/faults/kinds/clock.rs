//! The clock of a process is wrong by minutes.

use super::{FaultRecord, any, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;

pub(super) async fn wrong(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, hold) = (any(fleet, random), between(random, 1_500, 5_000));
    let minutes = i64::try_from(2 + random.below(28))? * if random.chance(500) { 1 } else { -1 };
    let clock = slot.clock.as_ref().ok_or("there are no clocks")?;
    clock.wrong_by(60 * minutes)?;
    tokio::time::sleep(hold).await;
    clock.wrong_by(0)?;
    Ok(FaultRecord::to(slot, format!("{} by {minutes} minutes for {hold:?}", slot.name)))
}
