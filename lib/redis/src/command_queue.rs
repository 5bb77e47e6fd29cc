//! Adds commands to their streams. Commands that arrive while one batch waits for the disk share the next
//! batch: one round trip and one fsync for all of them.
//!
//! If the connection ends, for example after a failover or because the server closed it while it was idle, the
//! batch is sent once more on a new connection. Commands that were added twice have one outcome: writers
//! decide each command id once.

use crate::{RedisPool, RedisServer, client_error, keys, unavailable};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::Timestamp;
use auction_wire::{Command, PartitionCount};
use redis::{Pipeline, Value, cmd, pipe};
use std::io;
use std::time::Duration;
use stream_worker::{DedicatedConnection, StreamError, value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::shutdown_pair;

/// Maximum number of commands in one round trip.
const MAX_BATCH: usize = 1000;

/// Maximum number of commands that wait for the next round trip. Further commands are refused.
const MAX_QUEUED: usize = 10_000;

/// Longest time to wait for the reply to a batch.
const FLUSH_DEADLINE: Duration = Duration::from_secs(5);

/// Time without commands after which the queue checks whether it could add one.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

struct QueuedCommand {
    stream: String,
    fields: Vec<(&'static str, Vec<u8>)>,
    added: oneshot::Sender<Result<(), Unavailable>>,
}

/// Command queue of a process, shared by all its requests.
pub struct RedisCommandQueue {
    partitions: PartitionCount,
    sender: mpsc::Sender<QueuedCommand>,
    clock: RedisPool,
}

impl RedisCommandQueue {
    /// Starts a queue whose health is part of no process, for tools and tests.
    pub fn start(
        server: impl Into<RedisServer>,
        partitions: PartitionCount,
        clock: RedisPool,
    ) -> RedisCommandQueue {
        let (_, stop) = shutdown_pair();
        let supervisor = Supervisor::without_health("command queue", stop);
        RedisCommandQueue::supervised(server, partitions, clock, supervisor)
    }

    /// Starts the task that sends batches. The task ends when the queue is dropped, not at shutdown: the last
    /// requests still need it.
    pub fn supervised(
        server: impl Into<RedisServer>,
        partitions: PartitionCount,
        clock: RedisPool,
        supervisor: Supervisor,
    ) -> RedisCommandQueue {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        tokio::spawn(flush_all(server.into(), receiver, supervisor));
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
        let mut connection = self.clock.get().await?;
        let time: (i64, i64) = cmd("TIME").query_async(&mut connection).await.map_err(client_error)?;
        Ok(Timestamp(time.0 * 1000 + time.1 / 1000))
    }
}

async fn flush_all(server: RedisServer, mut receiver: mpsc::Receiver<QueuedCommand>, supervisor: Supervisor) {
    let mut connection = None;
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        let result = match timeout(IDLE_INTERVAL, receiver.recv_many(&mut batch, MAX_BATCH)).await {
            Ok(count) => flush_received(count, &server, &mut connection, &mut batch).await,
            Err(_) => tokio::select! {
                biased;
                checked = check_writable(&server, &mut connection) => Some(checked),
                // The check ends, and its connection with it: commands do not wait for a server that may be silent.
                count = receiver.recv_many(&mut batch, MAX_BATCH) => {
                    flush_received(count, &server, &mut connection, &mut batch).await
                }
            },
        };
        match result {
            None => return,
            Some(Ok(())) => supervisor.succeeded(),
            // No wait: each caller learns at once that its command was not added.
            Some(Err(error)) => supervisor.report_failure(&error),
        }
    }
}

/// Flushes the commands that were received. Returns none if there are no callers any more.
async fn flush_received(
    count: usize,
    server: &RedisServer,
    connection: &mut Option<DedicatedConnection>,
    batch: &mut Vec<QueuedCommand>,
) -> Option<Result<(), Unavailable>> {
    if count == 0 {
        return None;
    }
    Some(flush_batch(server, connection, batch).await)
}

/// Adds a batch and answers its callers. Returns the first error.
async fn flush_batch(
    server: &RedisServer,
    connection: &mut Option<DedicatedConnection>,
    batch: &mut Vec<QueuedCommand>,
) -> Result<(), Unavailable> {
    match flush(server, connection, batch).await {
        Ok(replies) => {
            let mut result = Ok(());
            for (queued, reply) in batch.drain(..).zip(replies) {
                let added = value::ok(reply).map(drop).map_err(unavailable);
                if let (Ok(()), Err(error)) = (&result, &added) {
                    result = Err(Unavailable::new("redis", error.cause.to_string()));
                }
                answer(queued, added);
            }
            result
        }
        Err(error) => {
            // Some of the commands may have been added. The caller decides whether to retry.
            let reason = error.cause.to_string();
            for queued in batch.drain(..) {
                answer(queued, Err(Unavailable::new("redis", reason.clone())));
            }
            Err(error)
        }
    }
}

/// Checks whether a command could be added: the server answers, and is the one to use.
async fn check_writable(
    server: &RedisServer,
    idle: &mut Option<DedicatedConnection>,
) -> Result<(), Unavailable> {
    if let Some(mut connection) = idle.take() {
        let mut identity = server.identity();
        let replies = connection.send(identity.cmd("PING")).await;
        match replies.and_then(|replies| server.check_identity(&replies)) {
            Ok(()) => {
                *idle = Some(connection);
                return Ok(());
            }
            Err(error) => server.note(&error),
        }
    }
    // A new connection is checked when it is opened.
    *idle = Some(server.connect(FLUSH_DEADLINE).await?);
    Ok(())
}

fn answer(queued: QueuedCommand, result: Result<(), Unavailable>) {
    let _ = queued.added.send(result);
}

/// Sends a batch. If the connection ends, connects again and sends the batch once more.
async fn flush(
    server: &RedisServer,
    idle: &mut Option<DedicatedConnection>,
    batch: &[QueuedCommand],
) -> Result<Vec<Value>, Unavailable> {
    let mut commands = pipe();
    batch.iter().for_each(|queued| add(&mut commands, &queued.stream, "*", &queued.fields));
    let mut retried = false;
    loop {
        let mut connection = match idle.take() {
            Some(connection) => connection,
            None => server.connect(FLUSH_DEADLINE).await?,
        };
        match connection.send(&commands).await {
            Ok(replies) => {
                *idle = Some(connection);
                return Ok(replies);
            }
            Err(error) => {
                server.note(&error);
                // A server that did not answer in time is not asked again.
                if retried || is_timeout(&error) {
                    return Err(unavailable(error));
                }
                tracing::debug!(%error, commands = batch.len(), "connection ended, sending the commands again");
                retried = true;
            }
        }
    }
}

fn is_timeout(error: &StreamError) -> bool {
    matches!(error, StreamError::Connection(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// Appends an `XADD` of one entry to `commands`.
pub(crate) fn add(commands: &mut Pipeline, stream: &str, id: &str, fields: &[(&'static str, Vec<u8>)]) {
    let command = commands.cmd("XADD").arg(stream).arg(id);
    for (name, value) in fields {
        command.arg(name).arg(value);
    }
}
