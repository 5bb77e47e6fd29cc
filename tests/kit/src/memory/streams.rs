//! The streams: command channels, event streams, dead letters, replies.

use super::group::Group;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, CommandStreamConnector, Failure, FailureReason, LastEvent,
    NewDeadLetter, PoisonMessage, PublishResult, ReceivedCommand, Settlement,
};
use auction_domain::Timestamp;
use auction_wire::{Channel, Command, EventRecord, Outcome, PartitionCount, PartitionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use stream_worker::EntryId;

/// How long a read waits when there is nothing.
const BLOCK: Duration = Duration::from_millis(10);

/// Names and values of an entry.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// All streams of all partitions; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStreams(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    now: u64,
    consumers: u64,
    partitions: BTreeMap<PartitionId, Partition>,
}

#[derive(Debug, Default)]
pub(super) struct Partition {
    channels: BTreeMap<Channel, Log>,
    consumers: BTreeSet<u64>,
    pub(super) events: Vec<EventRecord>,
    pub(super) groups: BTreeMap<&'static str, Group>,
    /// Newest position that ever was.
    head: u64,
    dead: Vec<NewDeadLetter>,
    replies: Vec<(String, Outcome)>,
}

#[derive(Debug, Default)]
struct Log {
    entries: Vec<(EntryId, Fields)>,
    group: Group,
}

impl Log {
    fn acknowledge(&mut self, entry: EntryId) {
        if let Ok(index) = self.entries.binary_search_by_key(&entry, |(id, _)| *id) {
            self.group.acknowledge(index);
        }
    }
}

impl State {
    pub(super) fn partition(&mut self, partition: PartitionId) -> &mut Partition {
        self.partitions.entry(partition).or_default()
    }

    pub(super) fn new_consumer(&mut self) -> u64 {
        self.consumers += 1;
        self.consumers
    }
}

impl MemoryStreams {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Moves the clock that stamps commands.
    pub fn set_clock(&self, now: Timestamp) {
        self.state().now = now.0.unsigned_abs();
    }

    /// Adds an entry to a channel, a millisecond after the one before.
    pub fn add(&self, partition: PartitionId, channel: Channel, fields: Fields) -> EntryId {
        let mut state = self.state();
        state.now += 1;
        let id = EntryId { ms: state.now, seq: 0 };
        state.partition(partition).channels.entry(channel).or_default().entries.push((id, fields));
        id
    }

    /// Hands the next entries of a channel to a consumer who never comes back.
    pub fn lose(&self, partition: PartitionId, channel: Channel, count: usize) -> Vec<EntryId> {
        let mut state = self.state();
        let lost = state.new_consumer();
        let log = state.partition(partition).channels.entry(channel).or_default();
        let handed = log.group.hand_out(lost, log.entries.len(), count);
        handed.into_iter().map(|index| log.entries[index].0).collect()
    }

    /// How many commands are delivered and not acknowledged.
    pub fn pending(&self, partition: PartitionId) -> usize {
        self.state().partition(partition).channels.values().map(|log| log.group.pending()).sum()
    }

    /// How many commands are acknowledged.
    pub fn acknowledged(&self, partition: PartitionId) -> usize {
        self.state().partition(partition).channels.values().map(|log| log.group.acknowledged()).sum()
    }

    /// How many lanes are in the group.
    pub fn consumers(&self, partition: PartitionId) -> usize {
        self.state().partition(partition).consumers.len()
    }

    /// What was put away.
    pub fn dead(&self, partition: PartitionId) -> Vec<NewDeadLetter> {
        self.state().partition(partition).dead.clone()
    }

    /// What was sent to the ingresses.
    pub fn replies(&self, partition: PartitionId) -> Vec<(String, Outcome)> {
        self.state().partition(partition).replies.clone()
    }

    /// The event stream.
    pub fn events(&self, partition: PartitionId) -> Vec<EventRecord> {
        self.state().partition(partition).events.clone()
    }

    /// Publishes beside everybody else, whatever the stream's end is.
    pub fn publish(&self, partition: PartitionId, events: &[EventRecord]) {
        self.state().partition(partition).publish(events);
    }

    /// Deletes the event stream, as `DEL` does.
    pub fn delete_events(&self, partition: PartitionId) {
        let mut state = self.state();
        let partition = state.partition(partition);
        partition.events.clear();
        partition.head = 0;
    }

    /// Takes events from the beginning of the stream, as trimming does; never the last one.
    pub fn trim(&self, partition: PartitionId, up_to: u64) {
        let mut state = self.state();
        let partition = state.partition(partition);
        let last = partition.head;
        // Indices of groups stay what they were: a trimmed event reads as one that was there before.
        partition.events.iter_mut().filter(|e| e.position <= up_to && e.position < last).for_each(|event| {
            event.position = 0;
        });
    }
}

impl Partition {
    fn publish(&mut self, events: &[EventRecord]) {
        self.events.extend_from_slice(events);
        self.head = events.last().map_or(self.head, |event| event.position);
    }

    /// The next commands for a reader, who has been handed so much of each channel.
    fn read(
        &mut self,
        me: u64,
        handed_out: &mut BTreeMap<Channel, usize>,
        count: usize,
    ) -> Vec<ReceivedCommand> {
        let mut deliveries = Vec::new();
        let mut full = false;
        for channel in Channel::ALL {
            if channel == Channel::Bid && full {
                break;
            }
            let log = self.channels.entry(channel).or_default();
            let from = handed_out.entry(channel).or_default();
            let taken = log.group.take(me, *from, log.entries.len(), count);
            *from = taken.last().map_or(*from, |last| last + 1);
            full |= taken.len() == count;
            deliveries.extend(taken.into_iter().map(|index| delivery(channel, &log.entries[index])));
        }
        deliveries
    }

    fn settle(&mut self, batch: &Settlement) -> PublishResult {
        if self.head != batch.after {
            return PublishResult::StreamMoved;
        }
        self.publish(&batch.events);
        for (channel, entry) in &batch.done {
            self.channels.entry(*channel).or_default().acknowledge(*entry);
        }
        for letter in &batch.dead {
            self.channels.entry(letter.channel).or_default().acknowledge(letter.entry);
            self.dead.push(letter.clone());
        }
        self.replies.extend(batch.replies.iter().cloned());
        PublishResult::Published
    }
}

fn delivery(channel: Channel, (entry, fields): &(EntryId, Fields)) -> ReceivedCommand {
    let command = Command::from_fields(fields);
    let command = command.map_err(|error| PoisonMessage {
        failure: Failure { reason: FailureReason::Unreadable, error: error.to_string() },
        fields: fields.clone(),
    });
    ReceivedCommand { channel, entry: *entry, command }
}

/// Makes lanes that read so many commands of each channel at a time; if it is one, each is handled alone.
#[derive(Clone, Debug)]
pub struct MemoryCommandStreams(pub MemoryStreams, pub usize);

/// The reading half of a lane.
#[derive(Debug)]
pub struct MemoryReader {
    streams: MemoryStreams,
    partition: PartitionId,
    count: usize,
    me: u64,
    handed_out: BTreeMap<Channel, usize>,
}

/// The settling half of a lane.
#[derive(Debug)]
pub struct MemorySettler {
    streams: MemoryStreams,
    partition: PartitionId,
}

impl CommandStreamConnector for MemoryCommandStreams {
    type Reader = MemoryReader;
    type Settler = MemorySettler;
    async fn open(&self, partition: PartitionId) -> Result<(MemoryReader, MemorySettler), Unavailable> {
        let mut state = self.0.state();
        let me = state.new_consumer();
        state.partition(partition).consumers.insert(me);
        let (streams, handed_out) = (self.0.clone(), BTreeMap::new());
        let reader = MemoryReader { streams, partition, count: self.1, me, handed_out };
        Ok((reader, MemorySettler { streams: self.0.clone(), partition }))
    }
    async fn on_interrupted(&self, _: PartitionId) {}
}

impl MemoryReader {
    fn take(&mut self) -> Batch {
        let mut state = self.streams.state();
        let deliveries = state.partition(self.partition).read(self.me, &mut self.handed_out, self.count);
        Batch { deliveries, isolated: self.count == 1 }
    }
}

impl CommandReader for MemoryReader {
    async fn read(&mut self) -> Result<Batch, Unavailable> {
        let batch = self.take();
        if !batch.deliveries.is_empty() {
            return Ok(batch);
        }
        tokio::time::sleep(BLOCK).await;
        Ok(self.take())
    }

    async fn wait(&mut self) -> Result<(), Unavailable> {
        tokio::time::sleep(BLOCK).await;
        Ok(())
    }

    async fn take_over(&mut self) -> Result<(), Unavailable> {
        self.handed_out.clear();
        Ok(())
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        self.streams.state().partition(self.partition).consumers.remove(&self.me);
        Ok(())
    }
}

impl CommandSettler for MemorySettler {
    async fn stream_head(&mut self) -> Result<u64, Unavailable> {
        Ok(self.streams.state().partition(self.partition).head)
    }

    async fn last_event(&mut self) -> Result<LastEvent, Unavailable> {
        let last = self.streams.state().partition(self.partition).events.last().cloned();
        Ok(last.map_or(LastEvent::None, |event| LastEvent::Event(Box::new(event))))
    }

    async fn publish(&mut self, after: u64, events: &[EventRecord]) -> Result<PublishResult, Unavailable> {
        let batch = Settlement { after, events: events.to_vec(), ..Settlement::default() };
        self.settle(&batch).await
    }

    async fn settle(&mut self, batch: &Settlement) -> Result<PublishResult, Unavailable> {
        Ok(self.streams.state().partition(self.partition).settle(batch))
    }
}

/// Takes commands.
#[derive(Clone, Debug)]
pub struct MemoryQueue(pub MemoryStreams, pub PartitionCount);

impl CommandQueue for MemoryQueue {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
        self.0.add(self.1.of(command.key), command.body.channel(), fields);
        Ok(())
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(Timestamp(self.0.state().now.cast_signed()))
    }
}
