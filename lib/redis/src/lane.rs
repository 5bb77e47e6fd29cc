//! A writer's lane: commands in through the consumer group `writer`, events out.

use crate::feed::event_of;
use crate::queue::add;
use crate::{keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::command_lane::{
    CommandLane, CommandLanes, Delivery, LastEvent, Published, Settlement, Unreadable,
};
use auction_wire::outcome::encode_replies;
use auction_wire::{Channel, Command, DecodeError, EventRecord, Outcome, PartitionCount, PartitionId};
use redis::{Client, Pipeline, Value, cmd, pipe};
use std::collections::BTreeMap;
use std::time::Duration;
use stream_worker::entry::range_reply;
use stream_worker::value::{last_generated_id, ok};
use stream_worker::{ConsumerOptions, DedicatedConnection, Entry, GroupConsumer, StreamError};

/// The consumer group of all writers.
pub const GROUP: &str = "writer";

/// How long Redis may take to settle a batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often a transaction is tried while the event stream keeps its end.
const TRIES: usize = 3;

/// At most so many batches of outcomes lie on a reply stream.
const REPLIES_KEPT: usize = 1000;

/// Makes lanes on one Redis.
#[derive(Clone, Debug)]
pub struct RedisLanes {
    client: Client,
    partitions: PartitionCount,
    batch: usize,
    block: Duration,
}

impl RedisLanes {
    /// At most `batch` commands of each channel at a time; a read waits for `block` when there are none.
    pub fn new(client: Client, partitions: PartitionCount, batch: usize, block: Duration) -> RedisLanes {
        RedisLanes { client, partitions, batch, block }
    }
}

impl CommandLanes for RedisLanes {
    type Lane = RedisLane;

    async fn open(&self, partition: PartitionId) -> Result<RedisLane, Unavailable> {
        let options = ConsumerOptions {
            group: GROUP.to_owned(),
            streams: Channel::ALL.iter().map(|channel| keys::commands(partition, *channel)).collect(),
            first: 2,
            count: self.batch,
            block: self.block,
        };
        let consumer = GroupConsumer::open(&self.client, options).await.map_err(unavailable)?;
        let settling = DedicatedConnection::open(&self.client, DEADLINE).await.map_err(unavailable)?;
        let events = keys::events(partition);
        let mut lane = RedisLane {
            consumer,
            settling,
            events,
            dead: keys::dead(partition),
            partitions: self.partitions,
            partition,
            stream_head: 0,
        };
        lane.guarded(pipe()).await.map_err(unavailable)?;
        Ok(lane)
    }
}

/// One lane: a connection that reads, and one that settles.
pub struct RedisLane {
    consumer: GroupConsumer,
    settling: DedicatedConnection,
    events: String,
    dead: String,
    partitions: PartitionCount,
    partition: PartitionId,
    /// Where the event stream ended when the watch on it was set.
    stream_head: u64,
}

impl RedisLane {
    /// Sends commands, then sets a watch on the event stream and looks where it ends: the guard of the
    /// next transaction. One round trip.
    async fn guarded(&mut self, mut commands: Pipeline) -> Result<Vec<Value>, StreamError> {
        // A watch that was touched stays touched until it is taken back, also when it is set once more.
        commands.cmd("UNWATCH");
        commands.cmd("WATCH").arg(&self.events);
        commands.cmd("XINFO").arg("STREAM").arg(&self.events);
        let mut replies = self.settling.send(&commands).await?;
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
        changes: impl Fn(&RedisLane, &mut Pipeline),
        then: impl Fn(&RedisLane, &mut Pipeline),
    ) -> Result<Published, StreamError> {
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
                    return Ok(Published::Done);
                }
                other => return Err(StreamError::unexpected("EXEC", &other)),
            }
        }
        Ok(Published::StreamMoved)
    }

    /// What was read, if it belongs here.
    fn delivery(&self, entry: Entry) -> Delivery {
        let channel = Channel::ALL[entry.stream];
        let command = Command::from_fields(&entry.fields).and_then(|command| {
            let (belongs, here) = (self.partitions.of(command.key), self.partition);
            if belongs != here {
                let why = format!("belongs to partition {belongs}, not {here}");
                return Err(DecodeError::BadField { field: "key", why });
            }
            if command.body.channel() != channel {
                let why = format!("belongs on the channel `{}`", command.body.channel().name());
                return Err(DecodeError::BadField { field: "kind", why });
            }
            Ok(command)
        });
        let command = command.map_err(|error| Unreadable { error, fields: entry.fields });
        Delivery { channel, entry: entry.id, command }
    }

    fn publishing(&self, changes: &mut Pipeline, events: &[EventRecord]) {
        for event in events {
            add(changes, &self.events, &format!("{}-0", event.position), &event.to_fields());
        }
    }

    fn acknowledge(&self, changes: &mut Pipeline, batch: &Settlement) {
        let done = batch.done.iter().copied();
        let unreadable = batch.unreadable.iter().map(|(channel, entry, _)| (*channel, *entry));
        let mut of_channel: BTreeMap<Channel, Vec<String>> = BTreeMap::new();
        for (channel, entry) in done.chain(unreadable) {
            of_channel.entry(channel).or_default().push(entry.to_string());
        }
        for (channel, entries) in of_channel {
            changes.cmd("XACK").arg(keys::commands(self.partition, channel)).arg(GROUP).arg(entries);
        }
    }

    fn put_away(&self, changes: &mut Pipeline, batch: &Settlement) {
        for (channel, entry, Unreadable { error, fields }) in &batch.unreadable {
            let letter = changes.cmd("XADD").arg(&self.dead).arg("*");
            letter.arg("stream").arg(keys::commands(self.partition, *channel));
            letter.arg("entry").arg(entry.to_string()).arg("error").arg(error.to_string());
            for (name, value) in fields {
                letter.arg(name).arg(value);
            }
        }
    }

    /// Outcomes to the ingresses that wait: one entry each. Outside of the transaction: losing one only
    /// costs a look at the store.
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
    }
}

impl CommandLane for RedisLane {
    async fn read(&mut self) -> Result<Vec<Delivery>, Unavailable> {
        let entries = self.consumer.read().await.map_err(unavailable)?;
        Ok(entries.into_iter().map(|entry| self.delivery(entry)).collect())
    }

    async fn stream_head(&mut self) -> Result<u64, Unavailable> {
        self.guarded(pipe()).await.map_err(unavailable)?;
        Ok(self.stream_head)
    }

    async fn last_event(&mut self) -> Result<LastEvent, Unavailable> {
        let last = cmd("XREVRANGE").arg(&self.events).arg("+").arg("-").arg("COUNT").arg(1).clone();
        let reply = self.settling.send_one(&last).await.map_err(unavailable)?;
        let entries = range_reply(reply).map_err(unavailable)?;
        let Some(entry) = entries.first() else { return Ok(LastEvent::None) };
        Ok(match event_of(entry) {
            Ok(event) => LastEvent::Event(Box::new(event)),
            Err(why) => LastEvent::NotOurs(format!("its entry {} is no event of ours: {why}", entry.id)),
        })
    }

    async fn publish(&mut self, after: u64, events: &[EventRecord]) -> Result<Published, Unavailable> {
        let changes = |lane: &RedisLane, changes: &mut Pipeline| lane.publishing(changes, events);
        self.transaction(after, changes, |_, _| {}).await.map_err(unavailable)
    }

    async fn settle(&mut self, batch: &Settlement) -> Result<Published, Unavailable> {
        for (channel, entry, Unreadable { error, .. }) in &batch.unreadable {
            let channel = channel.name();
            tracing::error!(partition = %self.partition, channel, %entry, %error, "put away as a dead letter");
        }
        let changes = |lane: &RedisLane, changes: &mut Pipeline| {
            lane.publishing(changes, &batch.events);
            lane.put_away(changes, batch);
            lane.acknowledge(changes, batch);
        };
        let replies = |lane: &RedisLane, replies: &mut Pipeline| lane.replies(replies, batch);
        self.transaction(batch.after, changes, replies).await.map_err(unavailable)
    }

    async fn leave(self) -> Result<(), Unavailable> {
        self.consumer.leave().await.map_err(unavailable)
    }
}
