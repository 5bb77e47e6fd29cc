//! Fault: the clock of Redis is ahead for a moment; then its machine loses power, and starts with the right clock.

use super::{FaultRecord, random_duration};
use crate::Failure;
use crate::faults::fleet::{Fleet, PARTITIONS};
use crate::faults::traffic::create_user;
use auction_testkit::random::Random;
use auction_wire::Channel;
use redis::aio::MultiplexedConnection;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time limit until a command has a time ahead.
const TIMEOUT: Duration = Duration::from_secs(20);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Duration of a flush before the power cut: most cuts then meet data that is not on disk.
const FLUSH: Duration = Duration::from_millis(50);

pub(super) async fn after_clock_jump(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    // Several leases. Auctions cannot end before the streams' time has come, so that much longer is a longer recovery.
    let ahead = random_duration(random, 6_000, 15_000);
    let (ahead, down) = (Duration::from_secs(ahead.as_secs()), random_duration(random, 0, 1_500));
    let machine = fleet.redis_machine.as_ref().ok_or("faults of the machine of Redis are disabled")?;
    let mut servers = fleet.servers.lock().await;
    let servers = servers.as_mut().ok_or("the servers are stopped")?;
    let client = redis::Client::open(fleet.redis_url.as_str())?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    machine.clock.set_offset(i64::try_from(ahead.as_secs())?)?;
    let stamped = tokio::time::timeout(TIMEOUT, wait_for_stamps(fleet, &mut redis, ahead)).await;
    match stamped {
        Ok(stamped) => stamped?,
        Err(_) => fleet.report_problem(format!("no command had a time ahead within {TIMEOUT:?}")),
    }
    machine.flushes.delay(FLUSH)?;
    tokio::time::sleep(random_duration(random, 100, 500)).await;
    servers.kill_redis().await;
    *fleet.times_ahead_until.lock().await = Instant::now() + ahead;
    machine.flushes.delay(Duration::ZERO)?;
    machine.clock.set_offset(0)?;
    let lost = machine.flushes.cut(&machine.append_only_dir)?;
    tokio::time::sleep(down).await;
    servers.start_redis().await?;
    Ok(FaultRecord::of_many(format!("{ahead:?} ahead, then {lost} bytes lost and down for {down:?}")))
}

/// Waits until a command has a time ahead of this machine's clock.
async fn wait_for_stamps(
    fleet: &Fleet,
    redis: &mut MultiplexedConnection,
    ahead: Duration,
) -> Result<(), Failure> {
    loop {
        create_user(fleet).await;
        for partition in 0..PARTITIONS {
            for channel in Channel::ALL {
                let stream = format!("ap:{{{partition:02}}}:cmd:{}", channel.name());
                let mut newest = redis::cmd("XREVRANGE");
                newest.arg(stream).arg(&["+", "-", "COUNT", "1"]);
                let newest: Vec<(String, redis::Value)> = newest.query_async(redis).await?;
                let ms = newest.first().and_then(|(id, _)| id.split_once('-')?.0.parse().ok());
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
                if ms.is_some_and(|ms| Duration::from_millis(ms) > now + ahead / 2) {
                    return Ok(());
                }
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
