//! Processes that are killed, and processes that are paused for longer than their leases last.

use super::{any, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use rustix::process::Signal;

/// `kill -9`, and another one in its place after a moment, as a supervisor does.
pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<String, Failure> {
    let (slot, down) = (any(fleet, random), between(random, 0, 1_500));
    let mut process = slot.process.lock().await;
    slot.signal(&process, Signal::KILL)?;
    slot.ended(&mut process).await?;
    tokio::time::sleep(down).await;
    slot.start(&mut process)?;
    Ok(format!("{}, another one after {down:?}", slot.name))
}

/// It comes back when others have its leases, with everything that it had in hand.
pub(super) async fn pause(fleet: &Fleet, random: &mut Random) -> Result<String, Failure> {
    let (slot, pause) = (any(fleet, random), between(random, 2_200, 5_000));
    let process = slot.process.lock().await;
    slot.signal(&process, Signal::STOP)?;
    tokio::time::sleep(pause).await;
    slot.signal(&process, Signal::CONT)?;
    Ok(format!("{} for {pause:?}", slot.name))
}
