//! Faults of Postgres: killed, no free connections, canceled statements, read-only, sessions ended.

use super::{FaultRecord, random_duration};
use crate::Failure;
use crate::faults::fleet::Fleet;
use auction_testkit::random::Random;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// All sessions except those of the fault injector.
const OTHERS: &str = "backend_type = 'client backend' AND application_name <> 'fault'";

pub(super) async fn kill(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let down = random_duration(random, 0, 1_500);
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("the servers are stopped")?;
    servers.kill_postgres().await;
    tokio::time::sleep(down).await;
    servers.start_postgres().await?;
    Ok(FaultRecord::of_many(format!("down for {down:?}")))
}

/// Occupies all connections: existing sessions are terminated, and new ones are refused.
pub(super) async fn connections(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 1_000, 3_000);
    let _servers = fleet.servers.lock().await;
    let ours = connect(&fleet.database_url).await?;
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}");
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < duration {
        match connect(&fleet.database_url).await {
            Ok(one) => taken.push(one),
            // Sessions that took a connection freed in the meantime are terminated.
            Err(_) if !ours.query(&end, &[]).await?.is_empty() => {}
            Err(_) => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
    Ok(FaultRecord::of_many(format!("{} connections occupied for {duration:?}", taken.len())))
}

/// Locks tables and repeatedly cancels waiting statements with `57014 query_canceled`, as a statement timeout
/// does. Portal sessions set their own statement timeout, which no server setting can shorten.
pub(super) async fn timeouts(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 1_000, 4_000);
    let _servers = fleet.servers.lock().await;
    let mut ours = connect(&fleet.database_url).await?;
    let lock = ours.transaction().await?;
    lock.batch_execute("LOCK TABLE partitions, command_outcomes IN ACCESS EXCLUSIVE MODE").await?;
    let end =
        format!("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND {OTHERS}");
    // A separate session, because a transaction always sees the same list of sessions.
    let other = connect(&fleet.database_url).await?;
    let (began, mut canceled) = (Instant::now(), 0);
    while began.elapsed() < duration {
        canceled += other.query(&end, &[]).await?.len();
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    lock.rollback().await?;
    Ok(FaultRecord::of_many(format!("{canceled} statements canceled in {duration:?}")))
}

/// Makes new sessions read-only for some time, and ends the others.
pub(super) async fn read_only(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let duration = random_duration(random, 500, 3_000);
    let _servers = fleet.servers.lock().await;
    let ours = connect(&fleet.database_url).await?;
    let name: String = ours.query_one("SELECT current_database()", &[]).await?.get(0);
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}");
    ours.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await?;
    ours.batch_execute(&end).await?;
    tokio::time::sleep(duration).await;
    ours.batch_execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await?;
    Ok(FaultRecord::of_many(format!("read-only for {duration:?}")))
}

/// Ends all sessions, as an idle timeout does.
pub(super) async fn close_connections(fleet: &Fleet) -> Result<FaultRecord, Failure> {
    let _servers = fleet.servers.lock().await;
    let ours = connect(&fleet.database_url).await?;
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}");
    let ended = ours.query(&end, &[]).await?.len();
    Ok(FaultRecord::of_many(format!("all connections to Redis closed, {ended} sessions ended")))
}

pub(super) async fn connect(url: &str) -> Result<Client, Failure> {
    let mut config: tokio_postgres::Config = url.parse()?;
    let (client, connection) = config.application_name("fault").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
