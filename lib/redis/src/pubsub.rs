//! Listening to what is said by `PUBLISH`. It lies nowhere: what is said while nobody listens is lost, and whoever
//! listens is told when that may have been so.

use crate::RedisServer;
use auction_app::ports::Unavailable;
use futures_util::StreamExt;
use redis::RedisError;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// How long Redis may take for an answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long is listened before somebody looks whether it is time to stop.
const TURN: Duration = Duration::from_millis(500);

/// How often a connection on which nothing comes is tried.
const PING: Duration = Duration::from_secs(5);

/// Whoever listens.
pub(crate) trait PubSubHandler {
    /// What it means that nothing is heard, for the log.
    const LOST: &'static str;

    /// From now on everything is heard. What was said before may have been missed.
    fn began(&self);

    /// Something was said on a channel.
    fn hear(&self, channel: &str, message: &[u8]);
}

/// Listens to channels until it is time to stop.
pub(crate) async fn listen<L: PubSubHandler>(
    server: &RedisServer,
    channels: &[String],
    listener: &L,
    health: &HealthHandle,
    mut stop: ShutdownSignal,
) {
    let mut retry = Retry::default();
    while !stop.requested() {
        if let Err(error) = drive(server, channels, listener, health, &stop, &mut retry).await {
            let wait = retry.next_wait();
            health.set_waiting(&error, retry.attempts());
            tracing::warn!(%error, ?wait, "{}", L::LOST);
            stop.sleep(wait).await;
        }
    }
}

async fn drive(
    server: &RedisServer,
    channels: &[String],
    listener: &impl PubSubHandler,
    health: &HealthHandle,
    stop: &ShutdownSignal,
    retry: &mut Retry,
) -> Result<(), Unavailable> {
    let connection = in_time(server.client().get_async_pubsub()).await?;
    let (mut sink, mut messages) = connection.split();
    in_time(sink.subscribe(channels)).await?;
    listener.began();
    let mut tried = Instant::now();
    while !stop.requested() {
        match timeout(TURN, messages.next()).await {
            Ok(Some(message)) => listener.hear(message.get_channel_name(), message.get_payload_bytes()),
            Ok(None) => return Err(Unavailable::new("redis", "the connection was closed")),
            Err(_) if tried.elapsed() >= PING => {
                in_time(sink.ping::<redis::Value>()).await?;
                tried = Instant::now();
            }
            Err(_) => {}
        }
        retry.succeeded();
        health.set_up();
    }
    Ok(())
}

async fn in_time<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Unavailable> {
    match timeout(DEADLINE, answer).await {
        Ok(answer) => answer.map_err(|error| Unavailable::new("redis", error.to_string())),
        Err(_) => Err(Unavailable::new("redis", "no answer in time")),
    }
}
