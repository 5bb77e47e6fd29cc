//! What is announced to every ingress: what is decided, for status requests that wait at another ingress than the one
//! that took the command, or at one that was restarted; and who is told something, for users who listen.
//!
//! One message per batch goes out with its replies, in the same round trip: the ids of its commands, 16 bytes each; one
//! with each delivery of notifications: the ids of the users. Messages of `PUBLISH` are not written to disk and lie nowhere: one that is lost is made up for by a look at the
//! store, by whoever waits, when the connection is back, and at the end of his wait.

use crate::{RedisServer, keys};
use auction_app::accept::Waiters;
use auction_app::health::Part;
use auction_app::live::Bells;
use auction_app::ports::Unavailable;
use auction_app::stop::Stop;
use auction_domain::UserId;
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
fn read(announcement: &[u8]) -> impl Iterator<Item = Uuid> {
    announcement.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok())
}

/// Who hears it.
#[derive(Clone)]
pub struct Audience {
    /// Requests that wait for an outcome.
    pub waiters: Arc<Waiters>,
    /// Users who listen for what they are told.
    pub bells: Arc<Bells>,
}

impl Audience {
    fn hear(&self, channel: &str, announcement: &[u8]) {
        match channel {
            keys::TOLD => self.bells.ring(read(announcement).map(UserId)),
            _ => self.waiters.announced(read(announcement).map(CommandId)),
        }
    }

    /// What was announced while nobody listened is not heard any more.
    fn look(&self) {
        self.waiters.announcements_lost();
        self.bells.ring_all();
    }
}

/// Listens to all partitions and wakes whoever waits, until it is time to stop.
pub async fn listen(
    server: RedisServer,
    partitions: PartitionCount,
    audience: Audience,
    health: &Part,
    mut stop: Stop,
) {
    let channels = partitions.all().map(keys::decided).chain([keys::TOLD.to_owned()]);
    let channels: Vec<String> = channels.collect();
    let mut retry = Retry::default();
    while !stop.requested() {
        if let Err(error) = drive(&server, &channels, &audience, health, &stop, &mut retry).await {
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
    audience: &Audience,
    health: &Part,
    stop: &Stop,
    retry: &mut Retry,
) -> Result<(), Unavailable> {
    let connection = in_time(server.client().get_async_pubsub()).await?;
    let (mut sink, mut messages) = connection.split();
    in_time(sink.subscribe(channels)).await?;
    audience.look();
    let mut tried = Instant::now();
    while !stop.requested() {
        match timeout(TURN, messages.next()).await {
            Ok(Some(message)) => {
                audience.hear(message.get_channel_name(), message.get_payload_bytes());
            }
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
        assert_eq!(read(&write(&decided)).map(CommandId).collect::<Vec<_>>(), decided);
        assert_eq!(read(b"what else is said").count(), 1, "it only makes somebody look");
    }
}
