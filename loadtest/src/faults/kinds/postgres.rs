//! Postgres is killed, has no connection left, ends what takes too long.

use super::{FaultRecord, between};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

const LOOK: Duration = Duration::from_millis(50);

/// All sessions but our own.
const OTHERS: &str = "backend_type = 'client backend' AND application_name <> 'fault'";

pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let down = between(random, 0, 1_500);
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("there are no servers")?;
    servers.kill_postgres().await;
    tokio::time::sleep(down).await;
    servers.start_postgres().await?;
    Ok(FaultRecord::to_all(format!("down for {down:?}")))
}

/// Somebody else takes all connections; those that there were end, and nobody gets another one.
pub(super) async fn connections(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 1_000, 3_000);
    let _servers = fleet.servers.lock().await;
    let ours = connect(&fleet.database_url).await?;
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}");
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < hold {
        match connect(&fleet.database_url).await {
            Ok(one) => taken.push(one),
            // Whoever got one that was free for a moment does not keep it.
            Err(_) if !ours.query(&end, &[]).await?.is_empty() => {}
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
    Ok(FaultRecord::to_all(format!("{} taken for {hold:?}", taken.len())))
}

/// What writes waits for a lock and is ended again and again, as a time-out does it: `57014 query_canceled`. Sessions of
/// the portal have a time-out of their own, which no setting of the server shortens.
pub(super) async fn timeouts(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let hold = between(random, 1_000, 4_000);
    let _servers = fleet.servers.lock().await;
    let mut ours = connect(&fleet.database_url).await?;
    let lock = ours.transaction().await?;
    lock.batch_execute("LOCK TABLE partitions, commands IN ACCESS EXCLUSIVE MODE").await?;
    let end =
        format!("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND {OTHERS}");
    // A transaction sees the same sessions all the time.
    let other = connect(&fleet.database_url).await?;
    let (began, mut ended) = (Instant::now(), 0);
    while began.elapsed() < hold {
        ended += other.query(&end, &[]).await?.len();
        tokio::time::sleep(LOOK).await;
    }
    lock.rollback().await?;
    Ok(FaultRecord::to_all(format!("{ended} statements in {hold:?}")))
}

async fn connect(url: &str) -> Result<Client, Failure> {
    let mut config: tokio_postgres::Config = url.parse()?;
    let (client, connection) = config.application_name("fault").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
