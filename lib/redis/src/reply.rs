//! Outcomes for one ingress process: a bounded stream per partition, which expires when the ingress stops
//! renewing it.

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
use stream_worker::{DedicatedConnection, EntryId, StreamError};
use worker_runtime::Supervisor;

/// Time to live of a reply stream without renewal.
const STREAM_TTL: Duration = Duration::from_secs(60);

const RENEW_INTERVAL: Duration = Duration::from_secs(15);

/// Longest time that a read waits for outcomes.
const BLOCK: Duration = Duration::from_millis(500);

/// Longest time to wait for a reply.
const DEADLINE: Duration = Duration::from_secs(10);

/// Receives outcomes for one ingress and wakes the waiting requests, until shutdown. While Redis is
/// unavailable, the waiting requests query the event store.
pub async fn receive(
    server: RedisServer,
    partitions: PartitionCount,
    ingress: String,
    waiters: Arc<OutcomeWaiters>,
    supervisor: Supervisor,
) {
    let partitions: Vec<PartitionId> = partitions.all().collect();
    let streams: Vec<String> = partitions.iter().map(|partition| keys::reply(*partition, &ingress)).collect();
    while !supervisor.stopping() {
        supervisor.attempt(read_outcomes(&server, &streams, &waiters, &supervisor)).await;
    }
}

async fn read_outcomes(
    server: &RedisServer,
    streams: &[String],
    waiters: &OutcomeWaiters,
    supervisor: &Supervisor,
) -> Result<(), Unavailable> {
    let opened = Instant::now();
    let mut connection = server.connect(DEADLINE).await?;
    let mut last = renew(&mut connection, streams).await.map_err(unavailable)?;
    // Outcomes that arrived before this read position are skipped: waiting requests query the event store.
    waiters.recheck_all();
    let mut renewed = Instant::now();
    while !supervisor.stopping() {
        // Writers do not reach the streams of a replica.
        server.check_current(opened)?;
        if renewed.elapsed() >= RENEW_INTERVAL {
            let newest = renew(&mut connection, streams).await.map_err(unavailable)?;
            // A stream that was created again starts with lower ids.
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
        if reply == Value::Nil && any_is_missing(&mut connection, streams).await.map_err(unavailable)? {
            // Redis lost the streams, and writers could not reply until they exist again.
            last = renew(&mut connection, streams).await.map_err(unavailable)?;
            waiters.recheck_all();
        }
        for entry in read_reply(streams, reply).map_err(unavailable)? {
            last[entry.stream] = entry.id;
            match entry.field("body").map(decode_replies) {
                Some(Ok(outcomes)) => outcomes.iter().for_each(|outcome| waiters.deliver(outcome)),
                Some(Err(error)) => tracing::warn!(%error, "unreadable outcomes skipped"),
                None => {}
            }
        }
        supervisor.succeeded();
    }
    Ok(())
}

/// Whether at least one of the streams does not exist.
async fn any_is_missing(
    connection: &mut DedicatedConnection,
    streams: &[String],
) -> Result<bool, StreamError> {
    let mut commands = pipe();
    streams.iter().for_each(|stream| {
        commands.cmd("EXISTS").arg(stream);
    });
    let exist = connection.send(&commands).await?;
    Ok(exist.iter().any(|exists| *exists != Value::Int(1)))
}

/// Creates missing streams and renews their time to live. Returns their newest ids.
async fn renew(
    connection: &mut DedicatedConnection,
    streams: &[String],
) -> Result<Vec<EntryId>, StreamError> {
    let mut commands = pipe();
    for stream in streams {
        // Creating a group is the only way to create an empty stream. The group is not used.
        commands.cmd("XGROUP").arg("CREATE").arg(stream).arg("exists").arg("$").arg("MKSTREAM");
        commands.cmd("EXPIRE").arg(stream).arg(STREAM_TTL.as_secs());
        commands.cmd("XINFO").arg("STREAM").arg(stream);
    }
    let mut newest = Vec::with_capacity(streams.len());
    for replies in connection.send(&commands).await?.chunks_exact(3) {
        ok(replies[1].clone())?;
        newest.push(stream_worker::value::last_generated_id(&replies[2])?);
    }
    Ok(newest)
}
