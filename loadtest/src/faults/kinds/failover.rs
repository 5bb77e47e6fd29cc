//! Fault: Postgres is killed, and its synchronous standby is promoted; then the same in the other direction.

use super::postgres::connect;
use super::{FaultRecord, random_duration};
use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::fleet::slots::POSTGRES_SOCKET;
use crate::faults::proxy::{LinkState, Proxy};
use crate::faults::traffic::create_user;
use auction_local_servers::LocalServers;
use auction_testkit::base_backup;
use auction_testkit::random::Random;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// Time limit until commits wait for the standby, and until commands are decided on it.
const TIMEOUT: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

const IS_SYNCHRONOUS: &str = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')";

/// A transaction that writes to the log of Postgres only.
const COMMIT: &str = "SELECT pg_logical_emit_message(true, 'fault', '')";

const COMMIT_WAITS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')";

const DECIDED: &str = "SELECT coalesce(sum(head), 0)::bigint FROM partitions";

pub(super) async fn there_and_back(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let mut servers = fleet.servers.lock().await;
    let primary = servers.as_mut().ok_or("the servers are stopped")?;
    let mut standby = fleet.standby.lock().await;
    let standby = match &mut *standby {
        Some(standby) => standby,
        none => none.insert(fleet.start_standby().await?),
    };
    let there = fail_over(fleet, primary, standby, random).await?;
    let back = fail_over(fleet, standby, primary, random).await?;
    Ok(FaultRecord::of_many(format!("decided again {there:?} after a kill, and {back:?} after another one")))
}

/// Makes a standby, kills the primary, promotes the standby, and waits until commands are decided there. Returns the
/// time from the kill until then.
async fn fail_over(
    fleet: &Fleet,
    primary: &mut LocalServers,
    standby: &mut LocalServers,
    random: &mut Random,
) -> Result<Duration, Failure> {
    let address = Proxy::to(&socket(primary)).await?;
    replicate(primary, standby, &address).await?;
    let ours = connect(primary.database_url()).await?;
    ours.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
    ours.batch_execute("SELECT pg_reload_conf()").await?;
    wait_until_synchronous(&ours, &connect(primary.database_url()).await?, &address).await?;
    tokio::time::sleep(random_duration(random, 0, 1_000)).await;
    primary.kill_postgres().await;
    let killed = Instant::now();
    for slot in fleet.slots.iter().filter(|slot| slot.standby.is_none()) {
        slot.postgres.move_to(socket(standby));
    }
    tokio::time::sleep(random_duration(random, 0, 1_500)).await;
    let ours = connect(standby.database_url()).await?;
    if !ours.query_one("SELECT pg_promote()", &[]).await?.get::<_, bool>(0) {
        return Err("the standby of Postgres was not promoted".into());
    }
    let before: i64 = ours.query_one(DECIDED, &[]).await?.get(0);
    wait_until(&ours, "no command was decided on the promoted standby", async |ours| {
        create_user(fleet).await;
        Ok(ours.query_one(DECIDED, &[]).await?.get::<_, i64>(0) > before)
    })
    .await?;
    Ok(killed.elapsed())
}

/// Makes one server the standby of another one, which it reaches at this address. Its own data is replaced.
async fn replicate(
    primary: &LocalServers,
    standby: &mut LocalServers,
    address: &Proxy,
) -> Result<(), Failure> {
    standby.kill_postgres().await;
    let directory = standby.data_dir().join("postgres");
    let cluster = directory.join("cluster");
    std::fs::remove_dir_all(&cluster)?;
    let url = format!("postgresql://auction@{}/auction", address.address);
    base_backup::take(&primary.psql(), &url, &cluster, &directory, &["--write-recovery-conf"]).await?;
    standby.start_postgres().await?;
    Ok(())
}

/// Waits until a commit waits for the standby, which cannot be reached meanwhile. From then on, each acknowledged commit
/// is on both servers.
async fn wait_until_synchronous(ours: &Client, other: &Client, address: &Proxy) -> Result<(), Failure> {
    wait_until(ours, "the standby was not synchronous", async |ours| {
        Ok(ours.query_one(IS_SYNCHRONOUS, &[]).await?.get(0))
    })
    .await?;
    address.set(LinkState::Held);
    let commits = async {
        loop {
            // Does not wait if the new setting is not in force yet.
            other.batch_execute(COMMIT).await?;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    let waits = wait_until(ours, "no commit waited for the standby", async |ours| {
        Ok(ours.query_one(COMMIT_WAITS, &[]).await?.get(0))
    });
    let waits = tokio::select! {
        waits = waits => waits,
        failed = commits => failed,
    };
    address.set(LinkState::Clear);
    waits
}

async fn wait_until(
    client: &Client,
    otherwise: &str,
    condition: impl AsyncFn(&Client) -> Result<bool, tokio_postgres::Error>,
) -> Result<(), Failure> {
    let holds = tokio::time::timeout(TIMEOUT, async {
        while !condition(client).await? {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok::<_, tokio_postgres::Error>(())
    });
    Ok(holds.await.map_err(|_| format!("{otherwise} within {TIMEOUT:?}"))??)
}

fn socket(servers: &LocalServers) -> PathBuf {
    servers.data_dir().join(POSTGRES_SOCKET)
}
