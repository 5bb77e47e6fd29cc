//! Processes that are killed, and processes that are paused for longer than their leases last.

use super::{FaultRecord, any, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use rustix::process::Signal;

/// `kill -9`, and another one in its place after a moment, as a supervisor does.
pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, down) = (any(fleet, random), between(random, 0, 1_500));
    let mut process = slot.process.lock().await;
    slot.signal(&process, Signal::KILL)?;
    slot.ended(&mut process).await?;
    tokio::time::sleep(down).await;
    slot.start(&mut process)?;
    Ok(FaultRecord::to(slot, format!("{}, another one after {down:?}", slot.name)))
}

/// It comes back when others have its leases, with everything that it had in hand.
pub(super) async fn pause(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, pause) = (any(fleet, random), between(random, 2_200, 5_000));
    let process = slot.process.lock().await;
    slot.signal(&process, Signal::STOP)?;
    tokio::time::sleep(pause).await;
    slot.signal(&process, Signal::CONT)?;
    Ok(FaultRecord::to(slot, format!("{} for {pause:?}", slot.name)))
}

/// Everything at once, both servers and every process, and all of it again after a moment.
pub(super) async fn kill_all(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let down = between(random, 0, 1_500);
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("there are no servers")?;
    let mut processes = Vec::new();
    for slot in &fleet.slots {
        processes.push((slot, slot.process.lock().await));
    }
    for (slot, process) in &processes {
        slot.signal(process, Signal::KILL)?;
    }
    servers.kill_redis().await;
    servers.kill_postgres().await;
    for (slot, process) in &mut processes {
        slot.ended(process).await?;
    }
    tokio::time::sleep(down).await;
    servers.start_redis().await?;
    servers.start_postgres().await?;
    for (slot, process) in &mut processes {
        slot.start(process)?;
    }
    Ok(FaultRecord::to_all(format!("all of it again after {down:?}")))
}
