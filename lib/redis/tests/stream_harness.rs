//! Streams of partition 0 in a real Redis, and access to their contents.

use auction_redis::command_stream::{CommandStreamOptions, GROUP, RedisCommandStreams};
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::event_tail::RedisTailConnector;
use auction_redis::keys;
use auction_testkit::contract::command_stream::{Fields, StreamHarness};
use auction_testkit::fixtures::P;
use auction_testkit::local_servers::{TestRedis, redis};
use auction_wire::outcome::decode_replies;
use auction_wire::{Channel, EventRecord, Outcome, PartitionCount};
use redis::{Value, cmd};
use std::time::Duration;
use stream_worker::entry::{range_reply, read_reply};
use stream_worker::{Entry, EntryId};

/// Short, so that an empty read does not delay a test.
const BLOCK: Duration = Duration::from_millis(30);

pub(crate) struct Streams(pub(crate) TestRedis);

pub(crate) async fn streams() -> Streams {
    let redis = redis().await;
    let mut ingress = cmd("XGROUP");
    ingress.arg("CREATE").arg(keys::reply(P, "ingress")).arg("exists").arg("$").arg("MKSTREAM");
    redis.query::<()>(&mut ingress).await;
    Streams(redis)
}

impl Streams {
    pub(crate) async fn entries(&self, key: &str) -> Vec<Entry> {
        let reply: Value = self.0.query(cmd("XRANGE").arg(key).arg("-").arg("+")).await;
        range_reply(reply).unwrap()
    }

    async fn xadd(&self, key: &str, id: &str, fields: &[(Vec<u8>, Vec<u8>)]) -> EntryId {
        let mut add = cmd("XADD");
        add.arg(key).arg(id);
        for (name, value) in fields {
            add.arg(name).arg(value);
        }
        let id: String = self.0.query(&mut add).await;
        id.parse().unwrap()
    }

    /// Command streams of a portal with this number of partitions; a read waits at most `block`.
    pub(crate) fn command_streams(
        &self,
        max_batch: usize,
        partitions: u16,
        block: Duration,
    ) -> RedisCommandStreams {
        self.streams_with(max_batch, partitions, block, false)
    }

    /// Command streams of writers that take turns under a lock.
    pub(crate) fn pessimistic_streams(&self, max_batch: usize) -> RedisCommandStreams {
        self.streams_with(max_batch, 1, BLOCK, true)
    }

    fn streams_with(
        &self,
        max_batch: usize,
        partitions: u16,
        block: Duration,
        pessimistic: bool,
    ) -> RedisCommandStreams {
        let options = CommandStreamOptions {
            max_batch,
            block,
            linger: Duration::ZERO,
            pessimistic,
            max_clock_skew: Duration::from_secs(60),
        };
        RedisCommandStreams::new(self.0.client(), PartitionCount::new(partitions).unwrap(), options)
    }

    /// Number of clients in a blocking read.
    pub(crate) async fn blocked(&self) -> usize {
        let database = self.0.url().rsplit_once("?db=").map(|(_, number)| number.to_owned()).unwrap();
        let list: String = self.0.query(cmd("CLIENT").arg("LIST")).await;
        let here = list.lines().filter(|line| line.contains(&format!(" db={database} ")));
        let flags = here.filter_map(|line| line.split(' ').find_map(|field| field.strip_prefix("flags=")));
        flags.filter(|flags| flags.contains('b')).count()
    }
}

impl StreamHarness for Streams {
    type Commands = RedisCommandStreams;
    type Events = RedisEventStreams;
    type Tails = RedisTailConnector;
    fn command_connector(&self, count: usize) -> RedisCommandStreams {
        self.command_streams(count, 1, BLOCK)
    }
    fn event_connector(&self, count: usize) -> RedisEventStreams {
        RedisEventStreams::new(self.0.client(), count, BLOCK)
    }
    fn tail_connector(&self) -> RedisTailConnector {
        RedisTailConnector::new(self.0.client(), PartitionCount::new(1).unwrap())
    }
    async fn add(&self, channel: Channel, fields: Fields) -> EntryId {
        self.xadd(&keys::commands(P, channel), "*", &fields).await
    }
    async fn deliver_elsewhere(&self, channel: Channel, count: usize) -> Vec<EntryId> {
        let key = keys::commands(P, channel);
        let mut make = cmd("XGROUP");
        make.arg("CREATE").arg(&key).arg(GROUP).arg("0").arg("MKSTREAM");
        let mut connection = self.0.client().get_multiplexed_async_connection().await.unwrap();
        // The group may exist already.
        let _: Result<Value, _> = make.query_async(&mut connection).await;
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(GROUP).arg("paused").arg("COUNT").arg(count).arg("STREAMS").arg(&key).arg(">");
        let reply: Value = self.0.query(&mut read).await;
        read_reply(&[key], reply).unwrap().into_iter().map(|entry| entry.id).collect()
    }
    async fn publish(&self, events: &[EventRecord]) {
        for event in events {
            let fields: Fields = event.to_fields().into_iter().map(|(n, v)| (n.into(), v)).collect();
            self.xadd(&keys::events(P), &format!("{}-0", event.position), &fields).await;
        }
    }
    async fn pending(&self) -> usize {
        let mut pending = 0;
        for channel in Channel::ALL {
            let mut summary = cmd("XPENDING");
            let summary: Value = self.0.query(summary.arg(keys::commands(P, channel)).arg(GROUP)).await;
            let Value::Array(parts) = summary else { panic!("{summary:?}") };
            pending += stream_worker::value::number(&parts[0]).unwrap() as usize;
        }
        pending
    }
    async fn consumers(&self) -> usize {
        let mut names = std::collections::BTreeSet::new();
        for channel in Channel::ALL {
            let mut list = cmd("XINFO");
            let list = list.arg("CONSUMERS").arg(keys::commands(P, channel)).arg(GROUP);
            for consumer in self.0.query::<Vec<Value>>(list).await {
                let name = stream_worker::value::member(&consumer, "name");
                names.insert(name.and_then(stream_worker::value::text).unwrap().to_owned());
            }
        }
        names.len()
    }
    async fn dead_letters(&self) -> Vec<(EntryId, String)> {
        let field =
            |entry: &Entry, name: &str| String::from_utf8(entry.field(name).unwrap().to_vec()).unwrap();
        let entries = self.entries(&keys::dead(P)).await;
        entries.iter().map(|entry| (field(entry, "entry").parse().unwrap(), field(entry, "reason"))).collect()
    }
    async fn events(&self) -> Vec<EventRecord> {
        let entries = self.entries(&keys::events(P)).await;
        entries.iter().map(|entry| EventRecord::from_fields(entry.id.ms, &entry.fields).unwrap()).collect()
    }
    async fn replies(&self) -> Vec<Outcome> {
        let entries = self.entries(&keys::reply(P, "ingress")).await;
        entries.iter().flat_map(|entry| decode_replies(&entry.fields[0].1).unwrap()).collect()
    }
}
