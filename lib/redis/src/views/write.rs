//! Writes read models together with the checkpoint of the projector.

use crate::keys::{self, ViewKeys};
use crate::{RedisServer, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::views::generations::Generation;
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelWrite, ReadModelWriter, ViewForm, ViewName,
};
use auction_wire::PartitionId;
use redis::{Cmd, Pipeline, Value, cmd, pipe};
use std::collections::HashMap;
use std::time::Duration;
use stream_worker::value::{number, ok};
use stream_worker::{DedicatedConnection, StreamError};

/// Longest time to wait for Redis to write a batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// Opens writers of read models.
#[derive(Clone, Debug)]
pub struct RedisReadModelConnector {
    server: RedisServer,
    /// Generation to write; the current one if `None`.
    generation: Option<Generation>,
}

impl RedisReadModelConnector {
    /// Returns a connector to the current generation.
    pub fn new(server: impl Into<RedisServer>) -> RedisReadModelConnector {
        RedisReadModelConnector { server: server.into(), generation: None }
    }

    /// Returns a connector to one generation, current or not.
    pub(super) fn of(server: RedisServer, generation: Generation) -> RedisReadModelConnector {
        RedisReadModelConnector { server, generation: Some(generation) }
    }
}

impl ReadModelConnector for RedisReadModelConnector {
    type Store = RedisReadModelWriter;

    async fn open(&self, partition: PartitionId) -> Result<RedisReadModelWriter, Unavailable> {
        let mut connection = self.server.connect(DEADLINE).await?;
        let key = keys::current_generation(partition);
        let pointer = connection.send_one(cmd("GET").arg(&key)).await.map_err(unavailable)?;
        let current = CurrentPointer { key, generation: read_pointer(&pointer) };
        let generation = self.generation.unwrap_or(current.generation);
        let current = self.generation.is_none().then_some(current);
        Ok(RedisReadModelWriter {
            connection,
            keys: ViewKeys::new(partition, generation),
            current,
            watched: None,
        })
    }
}

/// Decodes the pointer to the current generation.
pub(super) fn read_pointer(pointer: &Value) -> Generation {
    let named = number(pointer).and_then(|pointer| u64::try_from(pointer).ok());
    named.map_or(Generation::FIRST, Generation)
}

/// Key of the pointer to the current generation, and the generation it named when the writer was opened.
struct CurrentPointer {
    key: String,
    generation: Generation,
}

/// Writer of the read models of one partition. It has its own connection, because a `WATCH` belongs to a
/// connection.
pub struct RedisReadModelWriter {
    connection: DedicatedConnection,
    keys: ViewKeys,
    /// Pointer to watch. If it is set, nothing is written while another generation is current.
    current: Option<CurrentPointer>,
    /// Checkpoint when the `WATCH` on it was set; `Some(None)` if another generation was current then.
    watched: Option<Option<u64>>,
}

/// Commands of a batch. Writes to the same key share one command. A batch writes no field or member twice, so
/// the order of commands does not matter.
struct Writes<'a> {
    keys: &'a ViewKeys,
    commands: Vec<Cmd>,
    by_key: HashMap<(&'static str, ViewName), usize>,
}

impl Writes<'_> {
    fn command(&mut self, command: &'static str, name: ViewName) -> &mut Cmd {
        let Writes { keys, commands, by_key } = self;
        let index = *by_key.entry((command, name)).or_insert_with(|| {
            let mut new = cmd(command);
            new.arg(keys.key(name));
            commands.push(new);
            commands.len() - 1
        });
        &mut commands[index]
    }

    fn add(&mut self, write: &ReadModelWrite) {
        match write {
            ReadModelWrite::Remove { name, field } => {
                self.command("ZREM", *name).arg(field);
            }
            ReadModelWrite::Set { name, field, value } => match name.form {
                ViewForm::Document => {
                    let mut set = cmd("SET");
                    set.arg(self.keys.key(*name)).arg(value);
                    self.commands.push(set);
                }
                ViewForm::Entries => {
                    self.command("HSET", *name).arg(field).arg(value);
                }
                ViewForm::List => {
                    self.command("ZADD", *name).arg(0).arg(field);
                }
            },
        }
    }
}

impl RedisReadModelWriter {
    /// Sends commands, then sets a `WATCH` on the checkpoint and reads it, which guard the next transaction.
    /// One round trip.
    async fn guarded(&mut self, mut commands: Pipeline) -> Result<Vec<Value>, StreamError> {
        let key = self.keys.checkpoint();
        self.watched = None;
        // A `WATCH` that was violated stays violated until `UNWATCH`, even if it is set again.
        commands.cmd("UNWATCH");
        let watch = commands.cmd("WATCH").arg(&key);
        if let Some(current) = &self.current {
            watch.arg(&current.key);
            commands.cmd("GET").arg(&current.key);
        }
        commands.cmd("GET").arg(&key);
        let mut replies = self.connection.send(&commands).await?;
        let checkpoint = replies.pop().unwrap_or(Value::Nil);
        let mut is_current = true;
        if let Some(current) = &self.current {
            is_current = read_pointer(&ok(replies.pop().unwrap_or(Value::Nil))?) == current.generation;
        }
        ok(replies.pop().unwrap_or(Value::Nil))?;
        replies.pop();
        let checkpoint = number(&ok(checkpoint)?).unwrap_or_default();
        self.watched = Some(is_current.then(|| u64::try_from(checkpoint).unwrap_or_default()));
        Ok(replies)
    }

    async fn transaction(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, StreamError> {
        if self.watched.is_none() {
            self.guarded(pipe()).await?;
        }
        if self.watched != Some(Some(from)) {
            return Ok(ReadModelCommit::CheckpointMoved);
        }
        let mut all = Writes { keys: &self.keys, commands: Vec::new(), by_key: HashMap::new() };
        writes.iter().for_each(|write| all.add(write));
        let mut commands = pipe();
        commands.cmd("MULTI");
        for command in all.commands {
            commands.add_command(command);
        }
        commands.cmd("SET").arg(self.keys.checkpoint()).arg(to);
        commands.cmd("EXEC");
        let executed = self.guarded(commands).await?.pop();
        match ok(executed.unwrap_or(Value::Nil))? {
            Value::Array(results) => {
                results.into_iter().try_for_each(|result| ok(result).map(drop))?;
                Ok(ReadModelCommit::Done)
            }
            _ => Ok(ReadModelCommit::CheckpointMoved),
        }
    }
}

impl ReadModelWriter for RedisReadModelWriter {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        self.guarded(pipe()).await.map_err(unavailable)?;
        Ok(self.watched.flatten().unwrap_or_default())
    }

    async fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, Unavailable> {
        self.transaction(from, to, writes).await.map_err(unavailable)
    }
}
