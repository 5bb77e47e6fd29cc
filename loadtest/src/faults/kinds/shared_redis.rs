//! Fault: a process of another portal, with another database, is started on the Redis of this one.

use super::FaultRecord;
use crate::Failure;
use crate::faults::fleet::{COMPONENTS, Fleet, PARTITIONS};
use crate::faults::proxy::Proxy;
use auction_postgres::migrate::migrate;
use auction_testkit::free_address::own_address;
use auction_testkit::random::Random;
use auction_wire::PartitionCount;
use redis::aio::MultiplexedConnection;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

/// Key with the id of the portal that a Redis belongs to.
const PORTAL: &str = "ap:portal";

/// Name of the other database.
const OTHER: &str = "other_portal";

/// User of the other portal in Redis. It can read everything, and write the key of the owner only: any other write
/// is refused and logged.
const USER: &[&str] = &[
    "ACL",
    "SETUSER",
    "other",
    "reset",
    "on",
    ">other",
    "+@all",
    "-@dangerous",
    "+config",
    "+info",
    "&*",
    "%R~*",
];

/// Time limit for a refusal, and for the first portal to own Redis.
const TIMEOUT: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) async fn share(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let component = *random.pick(&COMPONENTS);
    // The lock keeps both servers running.
    let _servers = fleet.servers.lock().await;
    let database_url = other_database(&fleet.database_url).await?;
    let mut redis = redis::Client::open(fleet.redis_url.as_str())?.get_multiplexed_async_connection().await?;
    // After a loss of all data, Redis belongs to the first portal that claims it.
    let owner = tokio::time::timeout(TIMEOUT, wait_for_owner(&mut redis)).await??;
    let () = redis::cmd(USER[0]).arg(&USER[1..]).arg(format!("~{PORTAL}")).query_async(&mut redis).await?;
    let () = redis::cmd("ACL").arg(&["LOG", "RESET"]).query_async(&mut redis).await?;
    let network = Proxy::to(&fleet.redis_socket).await?;
    let mut process = Command::new(std::env::current_exe()?.with_file_name("portal"));
    process
        .args(["run", component])
        .env("REDIS_URL", format!("redis://other:other@{}", network.address))
        .env("DATABASE_URL", database_url)
        .env("AUCTION__PARTITIONS", PARTITIONS.to_string())
        .env("AUCTION__INGRESS__LISTEN", own_address()?.to_string())
        .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = output_in_time(process.spawn()?).await?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(1) || !text.contains(&format!("Redis belongs to portal {owner}")) {
        fleet.report_problem(format!(
            "the {component} of another portal ended with {}:\n{text}",
            output.status
        ));
    }
    let writes: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query_async(&mut redis).await?;
    if !writes.is_empty() {
        fleet.report_problem(format!("the {component} of another portal wrote to Redis: {writes:?}"));
    }
    let found: Option<String> = redis::cmd("GET").arg(PORTAL).query_async(&mut redis).await?;
    if found.as_ref() != Some(&owner) {
        fleet.report_problem(format!("Redis belonged to portal {owner}, and now to {found:?}"));
    }
    let () = redis::cmd("ACL").arg(&["DELUSER", "other"]).query_async(&mut redis).await?;
    Ok(FaultRecord::of_many(format!("the {component} of another portal was refused")))
}

/// Waits until the process has ended, or kills it after the time limit. It writes less than a pipe holds.
async fn output_in_time(mut process: Child) -> Result<Output, Failure> {
    let began = Instant::now();
    while process.try_wait()?.is_none() {
        if began.elapsed() > TIMEOUT {
            process.kill()?;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(process.wait_with_output()?)
}

async fn wait_for_owner(redis: &mut MultiplexedConnection) -> Result<String, Failure> {
    loop {
        match redis::cmd("GET").arg(PORTAL).query_async(redis).await? {
            Some(owner) => return Ok(owner),
            None => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
}

/// Creates the database of the other portal unless it exists, and returns its URL.
async fn other_database(url: &str) -> Result<String, Failure> {
    let other = url.replacen(":///auction?", &format!(":///{OTHER}?"), 1);
    if tokio_postgres::connect(&other, NoTls).await.is_err() {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {OTHER}")).await?;
    }
    migrate(&other, PartitionCount::new(PARTITIONS)?).await?;
    Ok(other)
}
