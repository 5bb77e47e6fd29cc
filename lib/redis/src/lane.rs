//! A writer's lane: commands in through the consumer group `writer`, events out.

use crate::queue::add;
use crate::{keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::command_lane::{
    CommandLane, CommandLanes, Delivery, Published, Settlement, Unreadable,
};
use auction_wire::outcome::encode_replies;
use auction_wire::{Channel, Command, EventRecord, Outcome, PartitionId};
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

/// At most so many batches of outcomes lie on a reply stream.
const REPLIES_KEPT: usize = 1000;

/// Makes lanes on one Redis.
#[derive(Clone, Debug)]
pub struct RedisLanes {
    client: Client,
    batch: usize,
    block: Duration,
}

impl RedisLanes {
    /// At most `batch` commands of each channel at a time; a read waits for `block` when there are none.
    pub fn new(client: Client, batch: usize, block: Duration) -> RedisLanes {
        RedisLanes { client, batch, block }
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
        let mut lane =
            RedisLane { consumer, settling, events, dead: keys::dead(partition), partition, stream_head: 0 };
        lane.guarded(&pipe()).await.map_err(unavailable)?;
        Ok(lane)
    }
}

/// One lane: a connection that reads, and one that settles.
pub struct RedisLane {
    consumer: GroupConsumer,
    settling: DedicatedConnection,
    events: String,
    dead: String,
    partition: PartitionId,
    /// Where the event stream ended when the watch on it was set.
    stream_head: u64,
}

impl RedisLane {
    /// Sends commands, then sets a watch on the event stream and looks where it ends: the guard of the
    /// next transaction. One round trip.
    async fn guarded(&mut self, commands: &Pipeline) -> Result<Vec<Value>, StreamError> {
        let mut all = commands.clone();
        all.cmd("WATCH").arg(&self.events);
        all.cmd("XINFO").arg("STREAM").arg(&self.events);
        let mut replies = self.settling.send(&all).await?;
        if let Some(info) = replies.pop() {
            self.stream_head = last_generated_id(&info)?.ms;
        }
        if let Some(watched) = replies.pop() {
            ok(watched)?;
        }
        Ok(replies)
    }

    /// Runs `changes` as one transaction that passes only if the event stream still ends at `after`.
    async fn transaction(
        &mut self,
        after: u64,
        changes: &Pipeline,
        then: &Pipeline,
    ) -> Result<Published, StreamError> {
        if self.stream_head != after {
            return Ok(Published::StreamMoved);
        }
        let mut commands = pipe();
        commands.cmd("MULTI");
        changes.cmd_iter().for_each(|change| {
            commands.add_command(change.clone());
        });
        let exec = commands.cmd_iter().count();
        commands.cmd("EXEC");
        then.cmd_iter().for_each(|command| {
            commands.add_command(command.clone());
        });
        let mut replies = self.guarded(&commands).await?;
        match replies.swap_remove(exec) {
            Value::Nil => Ok(Published::StreamMoved),
            Value::Array(results) => {
                results.into_iter().try_for_each(|result| ok(result).map(drop))?;
                Ok(Published::Done)
            }
            // Out of memory, for one: the whole transaction was discarded.
            other => ok(other).map(|_| Published::StreamMoved),
        }
    }

    fn publishing(&self, events: &[EventRecord]) -> Pipeline {
        let mut changes = pipe();
        for event in events {
            add(&mut changes, &self.events, &format!("{}-0", event.position), &event.to_fields());
        }
        changes
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
            tracing::error!(partition = %self.partition, channel = channel.name(), %entry, %error, "put away as a dead letter");
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
    fn replies(&self, batch: &Settlement) -> Pipeline {
        let mut of_ingress: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for (ingress, outcome) in &batch.replies {
            of_ingress.entry(ingress).or_default().push(outcome);
        }
        let mut replies = pipe();
        for (ingress, outcomes) in of_ingress {
            let reply = replies.cmd("XADD").arg(keys::reply(self.partition, ingress));
            // An ingress that stopped renewing its stream is gone: nothing is made for it.
            reply.arg("NOMKSTREAM").arg("MAXLEN").arg("~").arg(REPLIES_KEPT).arg("*");
            reply.arg("body").arg(encode_replies(outcomes.into_iter()));
        }
        replies
    }
}

impl CommandLane for RedisLane {
    async fn read(&mut self) -> Result<Vec<Delivery>, Unavailable> {
        let entries = self.consumer.read().await.map_err(unavailable)?;
        Ok(entries.into_iter().map(delivery).collect())
    }

    async fn stream_head(&mut self) -> Result<u64, Unavailable> {
        // A watch that was touched stays touched until it is taken back, also when it is set once more.
        let mut look = pipe();
        look.cmd("UNWATCH");
        self.guarded(&look).await.map_err(unavailable)?;
        Ok(self.stream_head)
    }

    async fn last_event(&mut self) -> Result<Option<EventRecord>, Unavailable> {
        let last = cmd("XREVRANGE").arg(&self.events).arg("+").arg("-").arg("COUNT").arg(1).clone();
        let reply = self.settling.send_one(&last).await.map_err(unavailable)?;
        let entries = range_reply(reply).map_err(unavailable)?;
        let event = entries.first().map(|entry| EventRecord::from_fields(entry.id.ms, &entry.fields));
        event.transpose().map_err(|error| Unavailable::new("redis", error))
    }

    async fn publish(&mut self, after: u64, events: &[EventRecord]) -> Result<Published, Unavailable> {
        let changes = self.publishing(events);
        self.transaction(after, &changes, &pipe()).await.map_err(unavailable)
    }

    async fn settle(&mut self, batch: &Settlement) -> Result<Published, Unavailable> {
        let mut changes = self.publishing(&batch.events);
        self.put_away(&mut changes, batch);
        self.acknowledge(&mut changes, batch);
        let replies = self.replies(batch);
        self.transaction(batch.after, &changes, &replies).await.map_err(unavailable)
    }

    async fn leave(self) -> Result<(), Unavailable> {
        self.consumer.leave().await.map_err(unavailable)
    }
}

fn delivery(entry: Entry) -> Delivery {
    let channel = Channel::ALL[entry.stream];
    let command = Command::from_fields(&entry.fields);
    let command = command.map_err(|error| Unreadable { error, fields: entry.fields });
    Delivery { channel, entry: entry.id, command }
}
