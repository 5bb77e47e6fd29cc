//! Redis is killed, has no memory left, forgets everything.

use super::{FaultRecord, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use std::time::{Duration, Instant};

/// Nothing is asked for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Below what an empty Redis needs.
const TOO_LITTLE: &str = "1mb";

pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let down = between(random, 0, 1_500);
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("there are no servers")?;
    servers.kill_redis().await;
    tokio::time::sleep(down).await;
    servers.start_redis().await?;
    Ok(FaultRecord::to_all(format!("down for {down:?}")))
}

pub(super) async fn memory(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 1_000, 3_000);
    // Redis is not killed meanwhile: it would forget what it was told.
    let _servers = fleet.servers.lock().await;
    ask(fleet, &["CONFIG", "SET", "maxmemory", TOO_LITTLE]).await?;
    tokio::time::sleep(hold).await;
    ask(fleet, &["CONFIG", "SET", "maxmemory", "0"]).await?;
    Ok(FaultRecord::to_all(format!("none left for {hold:?}")))
}

pub(super) async fn flush(fleet: &Fleet) -> Result<FaultRecord, Failure> {
    let _servers = fleet.servers.lock().await;
    ask(fleet, &["FLUSHALL"]).await?;
    *fleet.flushed.lock().await = Some(Instant::now());
    Ok(FaultRecord::to_all("all is gone".to_owned()))
}

async fn ask(fleet: &Fleet, command: &[&str]) -> Result<(), Failure> {
    let client = redis::Client::open(fleet.redis_url.as_str())?;
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(command[0]).arg(&command[1..]).query_async::<redis::Value>(&mut connection).await
    };
    tokio::time::timeout(PATIENCE, asked).await??;
    Ok(())
}
