//! Faults with a full disk. Redis exits at once if it cannot write, Postgres when it must write its log. Both
//! are started again when there is space.

use super::{FaultRecord, random_duration};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use std::time::Duration;

pub(super) async fn redis(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 1_000, 4_000);
    full(fleet, 0, duration).await
}

pub(super) async fn postgres(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 1_000, 4_000);
    full(fleet, 1, duration).await
}

async fn full(fleet: &Fleet, disk: usize, duration: Duration) -> Result<FaultRecord, Failure> {
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("the servers are stopped")?;
    let disk = &fleet.disks.as_ref().ok_or("disk faults are disabled")?[disk];
    disk.fill()?;
    tokio::time::sleep(duration).await;
    disk.free()?;
    servers.start_redis().await?;
    servers.start_postgres().await?;
    Ok(FaultRecord::of_many(format!("full for {duration:?}")))
}
