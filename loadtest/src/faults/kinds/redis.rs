//! Faults of Redis: killed, out of memory, all data lost, a replica for some time, connections closed.

use super::{FaultRecord, random_duration};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use std::time::{Duration, Instant};

/// Time limit for a command.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Less than an empty Redis needs.
const TOO_LITTLE: &str = "1mb";

pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let down = random_duration(random, 0, 1_500);
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("the servers are stopped")?;
    servers.kill_redis().await;
    tokio::time::sleep(down).await;
    servers.start_redis().await?;
    Ok(FaultRecord::of_many(format!("down for {down:?}")))
}

pub(super) async fn memory(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 1_000, 3_000);
    // The lock keeps Redis running: a restart would reset this configuration.
    let _servers = fleet.servers.lock().await;
    execute(fleet, &["CONFIG", "SET", "maxmemory", TOO_LITTLE]).await?;
    tokio::time::sleep(duration).await;
    execute(fleet, &["CONFIG", "SET", "maxmemory", "0"]).await?;
    Ok(FaultRecord::of_many(format!("out of memory for {duration:?}")))
}

pub(super) async fn flush(fleet: &Fleet) -> Result<FaultRecord, Failure> {
    let _servers = fleet.servers.lock().await;
    // With its streams, Redis loses the times below which it stamps no command. The checker orders commands by them.
    tokio::time::sleep_until((*fleet.times_ahead_until.lock().await).into()).await;
    execute(fleet, &["FLUSHALL"]).await?;
    *fleet.flushed.lock().await = Some(Instant::now());
    Ok(FaultRecord::of_many("all data deleted".to_owned()))
}

/// Makes Redis a replica of a server that does not exist, and then a primary again. Connections stay open, as
/// after a failover.
pub(super) async fn replica(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 500, 3_000);
    let _servers = fleet.servers.lock().await;
    execute(fleet, &["REPLICAOF", "127.0.0.1", "1"]).await?;
    tokio::time::sleep(duration).await;
    execute(fleet, &["REPLICAOF", "NO", "ONE"]).await?;
    Ok(FaultRecord::of_many(format!("a replica for {duration:?}")))
}

/// Closes all connections, as an idle timeout does.
pub(super) async fn close_connections(fleet: &Fleet) -> Result<(), Failure> {
    let _servers = fleet.servers.lock().await;
    execute(fleet, &["CLIENT", "KILL", "TYPE", "normal"]).await
}

async fn execute(fleet: &Fleet, command: &[&str]) -> Result<(), Failure> {
    let client = redis::Client::open(fleet.redis_url.as_str())?;
    let executed = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(command[0]).arg(&command[1..]).query_async::<redis::Value>(&mut connection).await
    };
    tokio::time::timeout(TIMEOUT, executed).await??;
    Ok(())
}
