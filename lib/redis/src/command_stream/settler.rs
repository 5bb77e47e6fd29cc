//! Events out.

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

/// How long Redis may take to settle a batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often a transaction is tried while the event stream keeps its end: trimming touches it now and then.
const TRIES: usize = 10;

/// At most so many batches of outcomes lie on a reply stream.
const REPLIES_KEPT: usize = 1000;

/// The settling half of a lane.
pub struct RedisCommandSettler {
    connection: DedicatedConnection,
    events: String,
    dead: String,
    partition: PartitionId,
    /// Where the event stream ended when the watch on it was set.
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

    /// Sends commands, then sets a watch on the event stream and looks where it ends: the guard of the
    /// next transaction. One round trip.
    async fn guarded(&mut self, mut commands: Pipeline) -> Result<Vec<Value>, StreamError> {
        // A watch that was touched stays touched until it is taken back, also when it is set once more.
        commands.cmd("UNWATCH");
        commands.cmd("WATCH").arg(&self.events);
        commands.cmd("XINFO").arg("STREAM").arg(&self.events);
        let mut replies = self.connection.send(&commands).await?;
        let guards = replies.split_off(replies.len() - 3);
        self.stream_head = last_generated_id(&guards[2])?.ms;
        ok(guards[1].clone())?;
        Ok(replies)
    }

    /// Runs changes as one transaction that passes only if the event stream still ends at `after`; then
    /// more commands, in the same round trip.
    async fn transaction(
        &mut self,
        after: u64,
        changes: impl Fn(&RedisCommandSettler, &mut Pipeline),
        then: impl Fn(&RedisCommandSettler, &mut Pipeline),
    ) -> Result<PublishResult, StreamError> {
        // Something may have touched the stream without moving its end: a trim, a new group.
        for _ in 0..TRIES {
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

    fn publishing(&self, changes: &mut Pipeline, events: &[EventRecord]) {
        for event in events {
            add(changes, &self.events, &format!("{}-0", event.position), &event.to_fields());
        }
    }

    fn acknowledge(&self, changes: &mut Pipeline, batch: &Settlement) {
        let done = batch.done.iter().copied();
        let dead = batch.dead.iter().map(|letter| (letter.channel, letter.entry));
        let mut of_channel: BTreeMap<Channel, Vec<String>> = BTreeMap::new();
        for (channel, entry) in done.chain(dead) {
            of_channel.entry(channel).or_default().push(entry.to_string());
        }
        for (channel, entries) in of_channel {
            changes.cmd("XACK").arg(keys::commands(self.partition, channel)).arg(GROUP).arg(entries);
        }
    }

    fn dead_letter(&self, changes: &mut Pipeline, batch: &Settlement) {
        for letter in &batch.dead {
            let fields = changes.cmd("XADD").arg(&self.dead).arg("*");
            fields.arg("stream").arg(keys::commands(self.partition, letter.channel));
            fields.arg("entry").arg(letter.entry.to_string());
            fields.arg("reason").arg(&letter.reason).arg("error").arg(&letter.error);
            for (name, value) in &letter.fields {
                fields.arg(name).arg(value);
            }
        }
    }

    /// Outcomes to the ingresses that wait: one entry each. To all of them, what is decided. Outside of the
    /// transaction: losing one only costs a look at the store.
    fn replies(&self, replies: &mut Pipeline, batch: &Settlement) {
        let mut of_ingress: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for (ingress, outcome) in &batch.replies {
            of_ingress.entry(ingress).or_default().push(outcome);
        }
        for (ingress, outcomes) in of_ingress {
            let reply = replies.cmd("XADD").arg(keys::reply(self.partition, ingress));
            // An ingress that stopped renewing its stream is gone: nothing is made for it.
            reply.arg("NOMKSTREAM").arg("MAXLEN").arg("~").arg(REPLIES_KEPT).arg("*");
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
            Err(why) => LastEvent::Unrecognized(format!("its entry {} is no event of ours: {why}", entry.id)),
        })
    }

    async fn publish(&mut self, after: u64, events: &[EventRecord]) -> Result<PublishResult, Unavailable> {
        let changes = |lane: &RedisCommandSettler, changes: &mut Pipeline| lane.publishing(changes, events);
        self.transaction(after, changes, |_, _| {}).await.map_err(unavailable)
    }

    async fn settle(&mut self, batch: &Settlement) -> Result<PublishResult, Unavailable> {
        for letter in &batch.dead {
            let (channel, entry) = (letter.channel.name(), letter.entry);
            let (reason, error) = (&letter.reason, &letter.error);
            tracing::error!(partition = %self.partition, channel, %entry, reason, error, "put away as a dead letter");
        }
        let changes = |lane: &RedisCommandSettler, changes: &mut Pipeline| {
            lane.publishing(changes, &batch.events);
            lane.dead_letter(changes, batch);
            lane.acknowledge(changes, batch);
        };
        let replies = |lane: &RedisCommandSettler, replies: &mut Pipeline| lane.replies(replies, batch);
        self.transaction(batch.after, changes, replies).await.map_err(unavailable)
    }
}
