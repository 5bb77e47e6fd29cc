//! The disk of a server is full. Redis ends at once if it cannot write what it has to, Postgres when it must write its
//! log; both are started again when there is room.

use super::{FaultRecord, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use std::time::Duration;

pub(super) async fn redis(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 1_000, 4_000);
    full(fleet, 0, hold).await
}

pub(super) async fn postgres(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 1_000, 4_000);
    full(fleet, 1, hold).await
}

async fn full(fleet: &Fleet, disk: usize, hold: Duration) -> Result<FaultRecord, Failure> {
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("there are no servers")?;
    let disk = &fleet.disks.as_ref().ok_or("there are no disks")?[disk];
    disk.fill()?;
    tokio::time::sleep(hold).await;
    disk.empty()?;
    servers.start_redis().await?;
    servers.start_postgres().await?;
    Ok(FaultRecord::to_all(format!("full for {hold:?}")))
}
