//! Subscriptions to `PUBLISH` channels. Messages are not stored: those sent while there is no connection are
//! lost. The handler is called after each connection is established, so that it can make up for lost
//! messages.

use crate::RedisServer;
use auction_app::ports::Unavailable;
use futures_util::StreamExt;
use redis::RedisError;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use worker_runtime::Supervisor;

/// Longest time to wait for a reply.
const DEADLINE: Duration = Duration::from_secs(10);

/// Interval of checking whether to stop.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Interval of pings on an idle connection.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Receiver of the messages of a subscription.
pub(crate) trait PubSubHandler {
    /// Called when a subscription is established. Earlier messages may be lost.
    fn on_subscribed(&self);

    /// Called for each message.
    fn on_message(&self, channel: &str, message: &[u8]);
}

/// Subscribes to channels and calls the handler, until shutdown. Reconnects without limit.
pub(crate) async fn run(
    server: &RedisServer,
    channels: &[String],
    handler: &impl PubSubHandler,
    supervisor: Supervisor,
) {
    while !supervisor.stopping() {
        supervisor.attempt(receive(server, channels, handler, &supervisor)).await;
    }
}

async fn receive(
    server: &RedisServer,
    channels: &[String],
    handler: &impl PubSubHandler,
    supervisor: &Supervisor,
) -> Result<(), Unavailable> {
    // The client library opens the connection of the subscription without the checks: this connection makes
    // them.
    let opened = Instant::now();
    drop(server.connect(DEADLINE).await?);
    let connection = with_deadline(server.client().get_async_pubsub()).await?;
    let (mut sink, mut messages) = connection.split();
    with_deadline(sink.subscribe(channels)).await?;
    handler.on_subscribed();
    let mut pinged = Instant::now();
    while !supervisor.stopping() {
        // A replica keeps a subscription, and may not receive messages any more.
        server.check_current(opened)?;
        match timeout(STOP_CHECK_INTERVAL, messages.next()).await {
            Ok(Some(message)) => handler.on_message(message.get_channel_name(), message.get_payload_bytes()),
            Ok(None) => return Err(Unavailable::new("redis", "connection closed by the server")),
            Err(_) if pinged.elapsed() >= PING_INTERVAL => {
                with_deadline(sink.ping::<redis::Value>()).await?;
                pinged = Instant::now();
            }
            Err(_) => {}
        }
        supervisor.succeeded();
    }
    Ok(())
}

async fn with_deadline<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Unavailable> {
    match timeout(DEADLINE, answer).await {
        Ok(answer) => answer.map_err(|error| Unavailable::new("redis", error.to_string())),
        Err(_) => Err(Unavailable::new("redis", "no reply within the deadline")),
    }
}
