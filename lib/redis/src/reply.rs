//! Outcomes on their way back to one ingress process: a bounded stream per partition, which expires when
//! the process stops renewing it.

use crate::{RedisServer, keys, unavailable};
use auction_app::ingress::command_gateway::OutcomeWaiters;
use auction_app::ports::Unavailable;
use auction_wire::outcome::decode_replies;
use auction_wire::{PartitionCount, PartitionId};
use redis::{Value, cmd, pipe};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream_worker::entry::read_reply;
use stream_worker::value::ok;
use stream_worker::{DedicatedConnection, EntryId, Retry, StreamError};
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// How long a reply stream outlives its ingress.
const EXPIRES: Duration = Duration::from_secs(60);

/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(15);

/// How long a read waits.
const BLOCK: Duration = Duration::from_millis(500);

/// How long Redis may take for an answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Receives outcomes for one ingress and wakes the requests that wait, until it is time to stop.
pub async fn receive(
    server: RedisServer,
    partitions: PartitionCount,
    ingress: String,
    waiters: Arc<OutcomeWaiters>,
    health: &HealthHandle,
    mut stop: ShutdownSignal,
) {
    let partitions: Vec<PartitionId> = partitions.all().collect();
    let streams: Vec<String> = partitions.iter().map(|partition| keys::reply(*partition, &ingress)).collect();
    let mut retry = Retry::default();
    while !stop.requested() {
        if let Err(error) = drive(&server, &streams, &waiters, health, &stop, &mut retry).await {
            let wait = retry.next_wait();
            health.set_waiting(&error, retry.attempts());
            tracing::warn!(%error, ?wait, "outcomes are not received: waiting requests fall back to the store");
            stop.sleep(wait).await;
        }
    }
}

async fn drive(
    server: &RedisServer,
    streams: &[String],
    waiters: &OutcomeWaiters,
    health: &HealthHandle,
    stop: &ShutdownSignal,
    retry: &mut Retry,
) -> Result<(), Unavailable> {
    let mut connection = server.connect(DEADLINE).await?;
    let mut last = renew(&mut connection, streams).await.map_err(unavailable)?;
    // What came while nobody read is behind us.
    waiters.recheck_all();
    let mut renewed = Instant::now();
    while !stop.requested() {
        if renewed.elapsed() >= RENEW {
            let newest = renew(&mut connection, streams).await.map_err(unavailable)?;
            // A stream that was made anew begins anew.
            last.iter_mut()
                .zip(newest)
                .filter(|(last, newest)| newest < *last)
                .for_each(|(last, newest)| *last = newest);
            renewed = Instant::now();
        }
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(100).arg("BLOCK").arg(BLOCK.as_millis() as u64).arg("STREAMS").arg(streams);
        last.iter().for_each(|id| {
            read.arg(id.to_string());
        });
        let reply = connection.send_one(&read).await.map_err(unavailable)?;
        if reply == Value::Nil && any_is_gone(&mut connection, streams).await.map_err(unavailable)? {
            // Redis lost them; nobody could answer until they are renewed.
            last = renew(&mut connection, streams).await.map_err(unavailable)?;
            waiters.recheck_all();
        }
        for entry in read_reply(streams, reply).map_err(unavailable)? {
            last[entry.stream] = entry.id;
            match entry.field("body").map(decode_replies) {
                Some(Ok(outcomes)) => outcomes.iter().for_each(|outcome| waiters.deliver(outcome)),
                Some(Err(error)) => tracing::warn!(%error, "outcomes that cannot be read"),
                None => {}
            }
        }
        retry.succeeded();
        health.set_up();
    }
    Ok(())
}

/// Whether a stream is not there.
async fn any_is_gone(connection: &mut DedicatedConnection, streams: &[String]) -> Result<bool, StreamError> {
    let mut commands = pipe();
    streams.iter().for_each(|stream| {
        commands.cmd("EXISTS").arg(stream);
    });
    let there = connection.send(&commands).await?;
    Ok(there.iter().any(|there| *there != Value::Int(1)))
}

/// Makes the streams if they are not there, and lets them live on. Returns their newest ids.
async fn renew(
    connection: &mut DedicatedConnection,
    streams: &[String],
) -> Result<Vec<EntryId>, StreamError> {
    let mut commands = pipe();
    for stream in streams {
        // A group is the only way to make an empty stream; nobody reads through it.
        commands.cmd("XGROUP").arg("CREATE").arg(stream).arg("exists").arg("$").arg("MKSTREAM");
        commands.cmd("EXPIRE").arg(stream).arg(EXPIRES.as_secs());
        commands.cmd("XINFO").arg("STREAM").arg(stream);
    }
    let mut newest = Vec::with_capacity(streams.len());
    for replies in connection.send(&commands).await?.chunks_exact(3) {
        ok(replies[1].clone())?;
        newest.push(stream_worker::value::last_generated_id(&replies[2])?);
    }
    Ok(newest)
}
