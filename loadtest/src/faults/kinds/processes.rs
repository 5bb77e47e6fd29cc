//! Faults of processes: killed, or paused for longer than their leases.

use super::{FaultRecord, random_duration, random_slot};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use rustix::process::Signal;
use std::time::Instant;

/// `kill -9`, and a restart after a moment, as by a supervisor.
pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, down) = (random_slot(fleet, random), random_duration(random, 0, 1_500));
    let mut process = slot.process.lock().await;
    slot.signal(&process, Signal::KILL)?;
    slot.wait_for_exit(&mut process).await?;
    tokio::time::sleep(down).await;
    slot.start(&mut process).await?;
    Ok(FaultRecord::of_process(slot, format!("{} restarted after {down:?}", slot.name)))
}

/// Several kills per second, also of processes that are starting or taking over from the last one.
pub(super) async fn kill_repeatedly(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (began, duration, mut kills) = (Instant::now(), random_duration(random, 3_000, 5_000), 0);
    while began.elapsed() < duration {
        let slot = random_slot(fleet, random);
        let mut process = slot.process.lock().await;
        slot.signal(&process, Signal::KILL)?;
        slot.wait_for_exit(&mut process).await?;
        slot.start(&mut process).await?;
        drop(process);
        kills += 1;
        tokio::time::sleep(random_duration(random, 100, 600)).await;
    }
    Ok(FaultRecord::of_many(format!("{kills} processes killed in {duration:?}")))
}

/// The process resumes with all its state after other processes have taken over its leases.
pub(super) async fn pause(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, pause) = (random_slot(fleet, random), random_duration(random, 2_200, 5_000));
    let process = slot.process.lock().await;
    slot.signal(&process, Signal::STOP)?;
    tokio::time::sleep(pause).await;
    slot.signal(&process, Signal::CONT)?;
    Ok(FaultRecord::of_process(slot, format!("{} paused for {pause:?}", slot.name)))
}

/// Kills both servers and all processes at once, and restarts them after a moment.
pub(super) async fn kill_all(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let down = random_duration(random, 0, 1_500);
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("the servers are stopped")?;
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
        slot.wait_for_exit(process).await?;
    }
    tokio::time::sleep(down).await;
    servers.start_redis().await?;
    servers.start_postgres().await?;
    for (slot, process) in &mut processes {
        slot.start(process).await?;
    }
    Ok(FaultRecord::of_many(format!("everything restarted after {down:?}")))
}
