//! Adds commands to their streams. Commands that arrive while one batch waits for the disk share the next
//! batch: one round trip and one fsync for all of them.

use crate::{RedisServer, client_error, keys, unavailable};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::Timestamp;
use auction_wire::{Command, PartitionCount};
use redis::{Pipeline, Value, cmd, pipe};
use std::time::Duration;
use stream_worker::{DedicatedConnection, value};
use tokio::sync::{mpsc, oneshot};

/// Maximum number of commands in one round trip.
const MAX_BATCH: usize = 1000;

/// Maximum number of commands that wait for the next round trip. Further commands are refused.
const MAX_QUEUED: usize = 10_000;

/// Longest time to wait for the reply to a batch.
const FLUSH_DEADLINE: Duration = Duration::from_secs(5);

struct QueuedCommand {
    stream: String,
    fields: Vec<(&'static str, Vec<u8>)>,
    added: oneshot::Sender<Result<(), Unavailable>>,
}

/// Command queue of a process, shared by all its requests.
pub struct RedisCommandQueue {
    partitions: PartitionCount,
    sender: mpsc::Sender<QueuedCommand>,
    clock: deadpool_redis::Pool,
}

impl RedisCommandQueue {
    /// Starts the task that sends batches. The task ends when the queue is dropped.
    pub fn start(
        server: impl Into<RedisServer>,
        partitions: PartitionCount,
        clock: deadpool_redis::Pool,
    ) -> RedisCommandQueue {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        tokio::spawn(flush_all(server.into(), receiver));
        RedisCommandQueue { partitions, sender, clock }
    }
}

#[async_trait]
impl CommandQueue for RedisCommandQueue {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        let partition = self.partitions.of(command.key);
        let stream = keys::commands(partition, command.body.channel());
        let (added, answer) = oneshot::channel();
        let queued = QueuedCommand { stream, fields: command.to_fields(), added };
        self.sender.try_send(queued).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "the command queue is closed")))
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        let mut connection = self.clock.get().await.map_err(client_error)?;
        let time: (i64, i64) = cmd("TIME").query_async(&mut connection).await.map_err(client_error)?;
        Ok(Timestamp(time.0 * 1000 + time.1 / 1000))
    }
}

async fn flush_all(server: RedisServer, mut receiver: mpsc::Receiver<QueuedCommand>) {
    let mut connection = None;
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while receiver.recv_many(&mut batch, MAX_BATCH).await > 0 {
        match flush(&server, &mut connection, &batch).await {
            Ok(replies) => {
                for (queued, reply) in batch.drain(..).zip(replies) {
                    answer(queued, value::ok(reply).map(drop).map_err(unavailable));
                }
            }
            Err(error) => {
                // Some of the commands may have been added. The caller decides whether to retry.
                connection = None;
                let reason = error.cause.to_string();
                for queued in batch.drain(..) {
                    answer(queued, Err(Unavailable::new("redis", reason.clone())));
                }
            }
        }
    }
}

/// Sends the result to the request. A request that was dropped meanwhile does not need it.
fn answer(queued: QueuedCommand, result: Result<(), Unavailable>) {
    let _ = queued.added.send(result);
}

async fn flush(
    server: &RedisServer,
    connection: &mut Option<DedicatedConnection>,
    batch: &[QueuedCommand],
) -> Result<Vec<Value>, Unavailable> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(server.connect(FLUSH_DEADLINE).await?),
    };
    let mut commands = pipe();
    batch.iter().for_each(|queued| add(&mut commands, &queued.stream, "*", &queued.fields));
    connection.send(&commands).await.map_err(unavailable)
}

/// Appends an `XADD` of one entry to `commands`.
pub(crate) fn add(commands: &mut Pipeline, stream: &str, id: &str, fields: &[(&'static str, Vec<u8>)]) {
    let command = commands.cmd("XADD").arg(stream).arg(id);
    for (name, value) in fields {
        command.arg(name).arg(value);
    }
}
