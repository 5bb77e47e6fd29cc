//! Commands onto their streams. Requests that come in while one flush waits for the disk are gathered
//! into the next: one round trip and one fsync for all of them.

use crate::{RedisServer, client_error, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::Timestamp;
use auction_wire::{Command, PartitionCount};
use redis::{Pipeline, Value, cmd, pipe};
use std::time::Duration;
use stream_worker::{DedicatedConnection, value};
use tokio::sync::{mpsc, oneshot};

/// At most so many commands in one flush.
const FLUSH: usize = 1000;

/// At most so many commands wait for the next flush; more are refused.
const WAITING: usize = 10_000;

/// How long Redis may take for a flush.
const DEADLINE: Duration = Duration::from_secs(5);

struct Waiting {
    stream: String,
    fields: Vec<(&'static str, Vec<u8>)>,
    added: oneshot::Sender<Result<(), Unavailable>>,
}

/// The way onto the streams, shared by all requests of a process.
pub struct RedisCommandQueue {
    partitions: PartitionCount,
    sender: mpsc::Sender<Waiting>,
    clock: deadpool_redis::Pool,
}

impl RedisCommandQueue {
    /// Starts the task that flushes; it ends when the queue is dropped.
    pub fn start(
        server: impl Into<RedisServer>,
        partitions: PartitionCount,
        clock: deadpool_redis::Pool,
    ) -> RedisCommandQueue {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(flush_all(server.into(), receiver));
        RedisCommandQueue { partitions, sender, clock }
    }
}

impl CommandQueue for RedisCommandQueue {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        let partition = self.partitions.of(command.key);
        let stream = keys::commands(partition, command.body.channel());
        let (added, answer) = oneshot::channel();
        let waiting = Waiting { stream, fields: command.to_fields(), added };
        self.sender.try_send(waiting).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "the queue was closed")))
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        let mut connection = self.clock.get().await.map_err(client_error)?;
        let time: (i64, i64) = cmd("TIME").query_async(&mut connection).await.map_err(client_error)?;
        Ok(Timestamp(time.0 * 1000 + time.1 / 1000))
    }
}

async fn flush_all(server: RedisServer, mut receiver: mpsc::Receiver<Waiting>) {
    let mut connection = None;
    let mut batch = Vec::with_capacity(FLUSH);
    while receiver.recv_many(&mut batch, FLUSH).await > 0 {
        match flush(&server, &mut connection, &batch).await {
            Ok(replies) => {
                for (waiting, reply) in batch.drain(..).zip(replies) {
                    answer(waiting, value::ok(reply).map(drop).map_err(unavailable));
                }
            }
            Err(error) => {
                // Whether any of them was added is not known: the sender decides whether to try again.
                connection = None;
                let why = error.cause.to_string();
                for waiting in batch.drain(..) {
                    answer(waiting, Err(Unavailable::new("redis", why.clone())));
                }
            }
        }
    }
}

/// Whoever has gone meanwhile does not need the answer.
fn answer(waiting: Waiting, result: Result<(), Unavailable>) {
    let _ = waiting.added.send(result);
}

async fn flush(
    server: &RedisServer,
    connection: &mut Option<DedicatedConnection>,
    batch: &[Waiting],
) -> Result<Vec<Value>, Unavailable> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(server.connect(DEADLINE).await?),
    };
    let mut commands = pipe();
    batch.iter().for_each(|waiting| add(&mut commands, &waiting.stream, "*", &waiting.fields));
    connection.send(&commands).await.map_err(unavailable)
}

/// `XADD` of an entry.
pub(crate) fn add(commands: &mut Pipeline, stream: &str, id: &str, fields: &[(&'static str, Vec<u8>)]) {
    let command = commands.cmd("XADD").arg(stream).arg(id);
    for (name, value) in fields {
        command.arg(name).arg(value);
    }
}
