//! Publishes events, acknowledges commands and writes dead letters, in one transaction.

use super::GROUP;
use crate::command_queue::add;
use crate::event_stream::event_of;
use crate::pubsub_messages;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_stream::{CommandSettler, LastEvent, PublishResult, Settlement};
use auction_wire::outcome::encode_replies;
use auction_wire::{Channel, EventRecord, Outcome, PartitionId};
use redis::{Pipeline, Value, cmd, pipe};
use std::collections::BTreeMap;
use std::time::Duration;
use stream_worker::entry::range_reply;
use stream_worker::value::{last_generated_id, ok};
use stream_worker::{DedicatedConnection, StreamError};

/// Longest time to wait for Redis to settle a batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// Number of attempts of a transaction while the head of the event stream does not change: trimming also
/// fails the `WATCH`.
const MAX_ATTEMPTS: usize = 10;

/// Maximum number of batches of outcomes on a reply stream, approximately.
const MAX_REPLIES: usize = 1000;

/// Settler of the commands of a partition.
pub struct RedisCommandSettler {
    connection: DedicatedConnection,
    events: String,
    dead: String,
    partition: PartitionId,
    /// Position of the last event on the stream when the `WATCH` on it was set.
    stream_head: u64,
}

impl RedisCommandSettler {
    pub(super) async fn open(
        server: &RedisServer,
        partition: PartitionId,
    ) -> Result<RedisCommandSettler, Unavailable> {
        let connection = server.connect(DEADLINE).await?;
        let (events, dead) = (keys::events(partition), keys::dead(partition));
        let mut settler = RedisCommandSettler { connection, events, dead, partition, stream_head: 0 };
        settler.guarded(pipe()).await.map_err(unavailable)?;
        Ok(settler)
    }

    /// Sends commands, then sets a `WATCH` on the event stream and reads its head, which guard the next
    /// transaction. One round trip.
    async fn guarded(&mut self, mut commands: Pipeline) -> Result<Vec<Value>, StreamError> {
        // A `WATCH` that was violated stays violated until `UNWATCH`, even if it is set again.
        commands.cmd("UNWATCH");
        commands.cmd("WATCH").arg(&self.events);
        commands.cmd("XINFO").arg("STREAM").arg(&self.events);
        let mut replies = self.connection.send(&commands).await?;
        let guards = replies.split_off(replies.len() - 3);
        self.stream_head = last_generated_id(&guards[2])?.ms;
        ok(guards[1].clone())?;
        Ok(replies)
    }

    /// Runs `changes` as one transaction that commits only if the head of the event stream is `after`. Sends
    /// the commands of `then` in the same round trip.
    async fn transaction(
        &mut self,
        after: u64,
        changes: impl Fn(&RedisCommandSettler, &mut Pipeline),
        then: impl Fn(&RedisCommandSettler, &mut Pipeline),
    ) -> Result<PublishResult, StreamError> {
        // A trim or a new group modifies the stream without moving its head: try again.
        for _ in 0..MAX_ATTEMPTS {
            if self.stream_head != after {
                break;
            }
            let mut commands = pipe();
            commands.cmd("MULTI");
            changes(self, &mut commands);
            let exec = commands.cmd_iter().count();
            commands.cmd("EXEC");
            then(self, &mut commands);
            let mut replies = self.guarded(commands).await?;
            match ok(replies.swap_remove(exec))? {
                Value::Nil => {}
                Value::Array(results) => {
                    results.into_iter().try_for_each(|result| ok(result).map(drop))?;
                    return Ok(PublishResult::Published);
                }
                other => return Err(StreamError::unexpected("EXEC", &other)),
            }
        }
        Ok(PublishResult::StreamMoved)
    }

    fn add_events(&self, changes: &mut Pipeline, events: &[EventRecord]) {
        for event in events {
            add(changes, &self.events, &format!("{}-0", event.position), &event.to_fields());
        }
    }

    fn acknowledge(&self, changes: &mut Pipeline, batch: &Settlement) {
        let processed = batch.done.iter().copied();
        let dead = batch.dead.iter().map(|dead_letter| (dead_letter.channel, dead_letter.entry));
        let mut by_channel: BTreeMap<Channel, Vec<String>> = BTreeMap::new();
        for (channel, entry) in processed.chain(dead) {
            by_channel.entry(channel).or_default().push(entry.to_string());
        }
        for (channel, entries) in by_channel {
            changes.cmd("XACK").arg(keys::commands(self.partition, channel)).arg(GROUP).arg(entries);
        }
    }

    fn add_dead_letters(&self, changes: &mut Pipeline, batch: &Settlement) {
        for dead_letter in &batch.dead {
            let fields = changes.cmd("XADD").arg(&self.dead).arg("*");
            fields.arg("stream").arg(keys::commands(self.partition, dead_letter.channel));
            fields.arg("entry").arg(dead_letter.entry.to_string());
            fields.arg("reason").arg(&dead_letter.reason).arg("error").arg(&dead_letter.error);
            for (name, value) in &dead_letter.fields {
                fields.arg(name).arg(value);
            }
        }
    }

    /// Adds one entry of outcomes for each waiting ingress, and announces the decided commands to all of
    /// them. Not part of the transaction: a lost reply only costs a query of the event store.
    fn add_replies(&self, replies: &mut Pipeline, batch: &Settlement) {
        let mut by_ingress: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for (ingress, outcome) in &batch.replies {
            by_ingress.entry(ingress).or_default().push(outcome);
        }
        for (ingress, outcomes) in by_ingress {
            let reply = replies.cmd("XADD").arg(keys::reply(self.partition, ingress));
            // The stream of an ingress that is gone has expired: `NOMKSTREAM` does not create it again.
            reply.arg("NOMKSTREAM").arg("MAXLEN").arg("~").arg(MAX_REPLIES).arg("*");
            reply.arg("body").arg(encode_replies(outcomes.into_iter()));
        }
        if !batch.decided.is_empty() {
            let announcement = pubsub_messages::write(&batch.decided);
            replies.cmd("PUBLISH").arg(keys::decided(self.partition)).arg(announcement);
        }
    }
}

impl CommandSettler for RedisCommandSettler {
    async fn stream_head(&mut self) -> Result<u64, Unavailable> {
        self.guarded(pipe()).await.map_err(unavailable)?;
        Ok(self.stream_head)
    }

    async fn last_event(&mut self) -> Result<LastEvent, Unavailable> {
        let last = cmd("XREVRANGE").arg(&self.events).arg("+").arg("-").arg("COUNT").arg(1).clone();
        let reply = self.connection.send_one(&last).await.map_err(unavailable)?;
        let entries = range_reply(reply).map_err(unavailable)?;
        let Some(entry) = entries.first() else { return Ok(LastEvent::None) };
        Ok(match event_of(entry) {
            Ok(event) => LastEvent::Event(Box::new(event)),
            Err(reason) => LastEvent::Unrecognized(format!(
                "entry {} is not an event of this portal: {reason}",
                entry.id
            )),
        })
    }

    async fn publish(&mut self, after: u64, events: &[EventRecord]) -> Result<PublishResult, Unavailable> {
        let changes =
            |settler: &RedisCommandSettler, changes: &mut Pipeline| settler.add_events(changes, events);
        self.transaction(after, changes, |_, _| {}).await.map_err(unavailable)
    }

    async fn settle(&mut self, batch: &Settlement) -> Result<PublishResult, Unavailable> {
        for dead_letter in &batch.dead {
            let (channel, entry) = (dead_letter.channel.name(), dead_letter.entry);
            let (reason, error) = (&dead_letter.reason, &dead_letter.error);
            tracing::error!(partition = %self.partition, channel, %entry, reason, error, "command dead-lettered");
        }
        let changes = |settler: &RedisCommandSettler, changes: &mut Pipeline| {
            settler.add_events(changes, &batch.events);
            settler.add_dead_letters(changes, batch);
            settler.acknowledge(changes, batch);
        };
        let replies =
            |settler: &RedisCommandSettler, replies: &mut Pipeline| settler.add_replies(replies, batch);
        self.transaction(batch.after, changes, replies).await.map_err(unavailable)
    }
}
