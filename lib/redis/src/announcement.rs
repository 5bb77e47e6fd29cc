//! What is decided, announced to every ingress: for status requests that wait at another ingress than the one that
//! took the command, or at one that was restarted.
//!
//! One message per batch goes out with its replies, in the same round trip: the ids of its commands, 16 bytes each.
//! Messages of `PUBLISH` are not written to disk and lie nowhere: one that is lost is made up for by a look at the
//! store, by whoever waits, when the connection is back, and at the end of his wait.

use crate::{RedisServer, keys};
use auction_app::accept::Waiters;
use auction_app::health::Part;
use auction_app::ports::Unavailable;
use auction_app::stop::Stop;
use auction_wire::{CommandId, PartitionCount};
use futures_util::StreamExt;
use redis::RedisError;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream_worker::Retry;
use tokio::time::timeout;
use uuid::Uuid;

/// How long Redis may take for an answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long is listened before somebody looks whether it is time to stop.
const TURN: Duration = Duration::from_millis(500);

/// How often a connection on which nothing comes is tried.
const PING: Duration = Duration::from_secs(5);

/// An announcement.
pub(crate) fn write(decided: &[CommandId]) -> Vec<u8> {
    decided.iter().flat_map(|command| *command.0.as_bytes()).collect()
}

/// Reads one.
fn read(announcement: &[u8]) -> impl Iterator<Item = CommandId> {
    announcement.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()).map(CommandId)
}

/// Listens to all partitions and wakes whoever waits, until it is time to stop.
pub async fn listen(
    server: RedisServer,
    partitions: PartitionCount,
    waiters: Arc<Waiters>,
    health: &Part,
    mut stop: Stop,
) {
    let channels: Vec<String> = partitions.all().map(keys::decided).collect();
    let mut retry = Retry::default();
    while !stop.requested() {
        if let Err(error) = drive(&server, &channels, &waiters, health, &stop, &mut retry).await {
            let wait = retry.next_wait();
            health.waits(&error, retry.attempts());
            tracing::warn!(%error, ?wait, "announcements are not received: who waits looks at the end of his wait");
            stop.sleep(wait).await;
        }
    }
}

async fn drive(
    server: &RedisServer,
    channels: &[String],
    waiters: &Waiters,
    health: &Part,
    stop: &Stop,
    retry: &mut Retry,
) -> Result<(), Unavailable> {
    let connection = in_time(server.client().get_async_pubsub()).await?;
    let (mut sink, mut messages) = connection.split();
    in_time(sink.subscribe(channels)).await?;
    // What was announced while nobody listened is not heard any more.
    waiters.announcements_lost();
    let mut tried = Instant::now();
    while !stop.requested() {
        match timeout(TURN, messages.next()).await {
            Ok(Some(message)) => waiters.announced(read(message.get_payload_bytes())),
            Ok(None) => return Err(Unavailable::new("redis", "the connection was closed")),
            Err(_) if tried.elapsed() >= PING => {
                in_time(sink.ping::<redis::Value>()).await?;
                tried = Instant::now();
            }
            Err(_) => {}
        }
        retry.succeeded();
        health.works();
    }
    Ok(())
}

async fn in_time<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Unavailable> {
    match timeout(DEADLINE, answer).await {
        Ok(answer) => answer.map_err(|error| Unavailable::new("redis", error.to_string())),
        Err(_) => Err(Unavailable::new("redis", "no answer in time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_read_as_it_was_written() {
        let decided: Vec<CommandId> = (1..4).map(|n| CommandId(Uuid::from_u128(n))).collect();
        assert_eq!(read(&write(&decided)).collect::<Vec<_>>(), decided);
        assert_eq!(read(b"what else is said").count(), 1, "it only makes somebody look");
    }
}
