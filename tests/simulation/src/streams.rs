//! Streams of one partition on the modelled Redis: the real adapters over them, and access to their contents.

use crate::network::Network;
use crate::redis::{Fields, Id, Stream};
use crate::world::World;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::command_stream::NewDeadLetter;
use auction_domain::Timestamp;
use auction_redis::command_stream::{CommandStreamOptions, GROUP, RedisCommandStreams};
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::event_tail::RedisTailConnector;
use auction_redis::keys;
use auction_testkit::contract::command_stream::{Fields as NamedFields, StreamHarness};
use auction_testkit::fixtures::P;
use auction_wire::outcome::decode_replies;
use auction_wire::{Channel, Command, EventRecord, Outcome, PartitionCount};
use std::collections::BTreeSet;
use std::time::Duration;
use stream_worker::EntryId;

/// Longest time that a read waits.
const BLOCK: Duration = Duration::from_millis(200);

/// Number of partitions. All of them take commands; what is read here belongs to partition 0.
pub fn partitions() -> PartitionCount {
    PartitionCount::new(4).expect("a valid number of partitions")
}

/// Streams of a portal. Clones share them.
#[derive(Clone)]
pub struct Streams {
    world: World,
    network: Network,
}

fn named(fields: &Fields) -> NamedFields {
    fields.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

impl Streams {
    /// Creates empty streams and the reply stream of the ingress `ingress`.
    pub fn new(world: &World) -> Streams {
        let streams = Streams { world: world.clone(), network: Network::new(world) };
        streams.run(&["XGROUP", "CREATE", &keys::reply(P, "ingress"), "exists", "$", "MKSTREAM"]);
        streams
    }

    fn run(&self, words: &[&str]) {
        drop(self.network.run(words.iter().map(|word| word.as_bytes().to_vec()).collect()));
    }

    fn read<T>(&self, key: &str, of: impl FnOnce(&Stream) -> T) -> T {
        self.network.redis(|redis| of(redis.stream(key).unwrap_or(&Stream::default())))
    }

    fn entries<T>(&self, key: &str, of: impl Fn(Id, &Fields) -> T) -> Vec<T> {
        self.read(key, |stream| stream.entries.iter().map(|(id, fields)| of(*id, fields)).collect())
    }

    /// Command streams of writers, which read at most `max_batch` commands of each channel at a time.
    pub fn command_streams(&self, max_batch: usize, pessimistic: bool) -> RedisCommandStreams {
        let (block, linger, max_clock_skew) = (BLOCK, Duration::ZERO, Duration::MAX);
        let options = CommandStreamOptions { max_batch, block, linger, pessimistic, max_clock_skew };
        RedisCommandStreams::new(self.network.server(), partitions(), options)
    }

    /// Returns the entries that are delivered to the selected consumers and not acknowledged.
    fn pending_by(&self, is_selected: impl Fn(&[u8]) -> bool) -> Vec<Id> {
        let pending = |stream: &Stream| {
            let pending = stream.groups.get(GROUP.as_bytes()).map(|group| &group.pending);
            let selected = pending.into_iter().flatten().filter(|(_, consumer)| is_selected(consumer));
            selected.map(|(id, _)| *id).collect::<Vec<_>>()
        };
        Channel::ALL.iter().flat_map(|channel| self.read(&keys::commands(P, *channel), pending)).collect()
    }

    /// Returns the number of acknowledged commands.
    pub fn acknowledged(&self) -> usize {
        let delivered = |stream: &Stream| {
            let last = stream.groups.get(GROUP.as_bytes())?.last;
            Some(stream.entries.range(..=last).count())
        };
        let delivered: usize = Channel::ALL
            .iter()
            .filter_map(|channel| self.read(&keys::commands(P, *channel), delivered))
            .sum();
        delivered - self.pending_by(|_| true).len()
    }

    /// Returns the number of commands of all partitions that are not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        let waiting = |stream: &Stream| {
            let group = stream.groups.get(GROUP.as_bytes());
            let last = group.map(|group| group.last).unwrap_or_default();
            let undelivered = stream.entries.keys().filter(|id| **id > last).count();
            undelivered + group.map_or(0, |group| group.pending.len())
        };
        let streams = partitions().all().flat_map(|partition| {
            Channel::ALL.into_iter().map(move |channel| keys::commands(partition, channel))
        });
        streams.map(|key| self.read(&key, waiting)).sum()
    }

    pub fn dead_letters(&self) -> Vec<NewDeadLetter> {
        self.entries(&keys::dead(P), |_, fields| {
            let mut fields = named(fields);
            let header: Vec<String> = fields.drain(..4).map(|(_, value)| text(&value)).collect();
            let channel = Channel::ALL.into_iter().find(|channel| keys::commands(P, *channel) == header[0]);
            NewDeadLetter {
                channel: channel.expect("the dead letter comes from a command stream"),
                entry: header[1].parse().expect("the dead letter has the id of its entry"),
                reason: header[2].clone(),
                error: header[3].clone(),
                fields,
            }
        })
    }

    /// Makes the server unavailable or available to the adapters.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.network.set_unavailable(unavailable);
    }

    /// Returns the position of the last event ever published.
    pub fn head(&self) -> u64 {
        self.read(&keys::events(P), |stream| stream.last.0)
    }

    /// Deletes the event stream, as `DEL` does.
    pub fn delete_events(&self) {
        self.run(&["DEL", &keys::events(P)]);
    }

    /// Trims the event stream to the newest `keep` events.
    pub fn trim(&self, keep: usize) {
        self.network.redis(|redis| redis.trim(keys::events(P).as_bytes(), keep));
    }
}

/// Adds commands to the streams, without the delays and failures of the network.
#[async_trait]
impl CommandQueue for Streams {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value));
        let key = keys::commands(partitions().of(command.key), command.body.channel());
        self.network.add(&key, "*", fields.collect());
        Ok(())
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(Timestamp(self.world.clock().cast_signed()))
    }
}

impl StreamHarness for Streams {
    type Commands = RedisCommandStreams;
    type Events = RedisEventStreams;
    type Tails = RedisTailConnector;
    fn command_connector(&self, count: usize) -> RedisCommandStreams {
        self.command_streams(count, false)
    }
    fn event_connector(&self, count: usize) -> RedisEventStreams {
        RedisEventStreams::new(self.network.server(), count, BLOCK)
    }
    fn tail_connector(&self) -> RedisTailConnector {
        RedisTailConnector::new(self.network.server(), partitions())
    }
    async fn add(&self, channel: Channel, fields: NamedFields) -> EntryId {
        let key = keys::commands(P, channel);
        self.network.add(&key, "*", fields);
        self.read(&key, |stream| EntryId { ms: stream.last.0, seq: stream.last.1 })
    }
    async fn deliver_elsewhere(&self, channel: Channel, count: usize) -> Vec<EntryId> {
        let (key, count) = (keys::commands(P, channel), count.to_string());
        let before = self.pending_by(|consumer| consumer == b"paused");
        // The group may exist already.
        self.run(&["XGROUP", "CREATE", &key, GROUP, "0", "MKSTREAM"]);
        self.run(&["XREADGROUP", "GROUP", GROUP, "paused", "COUNT", &count, "STREAMS", &key, ">"]);
        let mut delivered = self.pending_by(|consumer| consumer == b"paused");
        delivered.retain(|id| !before.contains(id));
        delivered.into_iter().map(|Id(ms, seq)| EntryId { ms, seq }).collect()
    }
    async fn publish(&self, events: &[EventRecord]) {
        for event in events {
            let fields = event.to_fields().into_iter().map(|(name, value)| (name.into(), value));
            self.network.add(&keys::events(P), &format!("{}-0", event.position), fields.collect());
        }
    }
    async fn pending(&self) -> usize {
        self.pending_by(|_| true).len()
    }
    async fn consumers(&self) -> usize {
        let names = |stream: &Stream| {
            let groups = stream.groups.get(GROUP.as_bytes()).into_iter();
            groups.flat_map(|group| group.consumers.keys().cloned()).collect::<Vec<_>>()
        };
        let all = Channel::ALL.iter().flat_map(|channel| self.read(&keys::commands(P, *channel), names));
        all.collect::<BTreeSet<_>>().len()
    }
    async fn dead_letters(&self) -> Vec<(EntryId, String)> {
        self.dead_letters().into_iter().map(|dead_letter| (dead_letter.entry, dead_letter.reason)).collect()
    }
    async fn events(&self) -> Vec<EventRecord> {
        self.entries(&keys::events(P), |id, fields| {
            EventRecord::from_fields(id.0, &named(fields)).expect("a well-formed event")
        })
    }
    async fn replies(&self) -> Vec<Outcome> {
        let replies = self.entries(&keys::reply(P, "ingress"), |_, fields| decode_replies(&fields[1]));
        replies.into_iter().flat_map(|replies| replies.expect("well-formed replies")).collect()
    }
}
