//! Redis streams in memory: command channels, event streams, dead letters and replies.

use super::group::Group;
use crate::contract::command_stream::Fields;
use async_trait::async_trait;
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

/// Time that a read waits when there are no entries.
pub(super) const BLOCK: Duration = Duration::from_millis(10);

/// Streams of all partitions. Clones share them.
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
    /// Newest position ever published, also after trimming.
    head: u64,
    dead_letters: Vec<NewDeadLetter>,
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

    /// Sets the clock that assigns entry ids.
    pub fn set_clock(&self, now: Timestamp) {
        self.state().now = now.0.unsigned_abs();
    }

    /// Adds an entry to a channel, one millisecond after the previous entry.
    pub fn add(&self, partition: PartitionId, channel: Channel, fields: Fields) -> EntryId {
        let mut state = self.state();
        state.now += 1;
        let id = EntryId { ms: state.now, seq: 0 };
        state.partition(partition).channels.entry(channel).or_default().entries.push((id, fields));
        id
    }

    /// Delivers the next entries of a channel to a consumer that never processes them.
    pub fn deliver_elsewhere(&self, partition: PartitionId, channel: Channel, count: usize) -> Vec<EntryId> {
        let mut state = self.state();
        let lost = state.new_consumer();
        let log = state.partition(partition).channels.entry(channel).or_default();
        let delivered = log.group.deliver(lost, log.entries.len(), count);
        delivered.into_iter().map(|index| log.entries[index].0).collect()
    }

    /// Returns the number of commands that are delivered and not acknowledged.
    pub fn pending(&self, partition: PartitionId) -> usize {
        self.state().partition(partition).channels.values().map(|log| log.group.pending()).sum()
    }

    /// Returns the number of acknowledged commands.
    pub fn acknowledged(&self, partition: PartitionId) -> usize {
        self.state().partition(partition).channels.values().map(|log| log.group.acknowledged()).sum()
    }

    /// Returns the number of readers in the group.
    pub fn consumers(&self, partition: PartitionId) -> usize {
        self.state().partition(partition).consumers.len()
    }

    pub fn dead_letters(&self, partition: PartitionId) -> Vec<NewDeadLetter> {
        self.state().partition(partition).dead_letters.clone()
    }

    /// Returns the outcomes sent to ingresses, with the name of the ingress.
    pub fn replies(&self, partition: PartitionId) -> Vec<(String, Outcome)> {
        self.state().partition(partition).replies.clone()
    }

    pub fn events(&self, partition: PartitionId) -> Vec<EventRecord> {
        self.state().partition(partition).events.clone()
    }

    /// Publishes events without checking the end of the stream.
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

    /// Trims the events up to a position, but never the last event.
    pub fn trim(&self, partition: PartitionId, up_to: u64) {
        let mut state = self.state();
        let partition = state.partition(partition);
        let last = partition.head;
        // Trimmed events stay in the list, so that the indices in the groups remain valid.
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

    /// Returns the next commands for a reader. `next` holds the next index to read of each channel.
    fn read(
        &mut self,
        consumer: u64,
        next: &mut BTreeMap<Channel, usize>,
        count: usize,
    ) -> Vec<ReceivedCommand> {
        let mut deliveries = Vec::new();
        let mut full = false;
        for channel in Channel::ALL {
            if channel == Channel::Bid && full {
                break;
            }
            let log = self.channels.entry(channel).or_default();
            let from = next.entry(channel).or_default();
            let taken = log.group.take(consumer, *from, log.entries.len(), count);
            *from = taken.last().map_or(*from, |last| last + 1);
            full |= taken.len() == count;
            deliveries.extend(taken.into_iter().map(|index| received_command(channel, &log.entries[index])));
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
        for dead_letter in &batch.dead {
            self.channels.entry(dead_letter.channel).or_default().acknowledge(dead_letter.entry);
            self.dead_letters.push(dead_letter.clone());
        }
        self.replies.extend(batch.replies.iter().cloned());
        PublishResult::Published
    }
}

fn received_command(channel: Channel, (entry, fields): &(EntryId, Fields)) -> ReceivedCommand {
    let command = Command::from_fields(fields);
    let command = command.map_err(|error| PoisonMessage {
        failure: Failure { reason: FailureReason::Unreadable, error: error.to_string() },
        fields: fields.clone(),
    });
    ReceivedCommand { channel, entry: *entry, command }
}

/// Opens command streams whose readers read at most the given number of commands of each channel at a time.
/// With 1, every batch is isolated.
#[derive(Clone, Debug)]
pub struct MemoryCommandStreams(pub MemoryStreams, pub usize);

#[derive(Debug)]
pub struct MemoryReader {
    streams: MemoryStreams,
    partition: PartitionId,
    count: usize,
    consumer: u64,
    next: BTreeMap<Channel, usize>,
}

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
        let consumer = state.new_consumer();
        state.partition(partition).consumers.insert(consumer);
        let (streams, next) = (self.0.clone(), BTreeMap::new());
        let reader = MemoryReader { streams, partition, count: self.1, consumer, next };
        Ok((reader, MemorySettler { streams: self.0.clone(), partition }))
    }
    async fn on_interrupted(&self, _: PartitionId) {}
}

impl MemoryReader {
    fn take(&mut self) -> Batch {
        let mut state = self.streams.state();
        let deliveries = state.partition(self.partition).read(self.consumer, &mut self.next, self.count);
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
        self.next.clear();
        Ok(())
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        self.streams.state().partition(self.partition).consumers.remove(&self.consumer);
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

/// Command queue that writes to the channels of [`MemoryStreams`].
#[derive(Clone, Debug)]
pub struct MemoryQueue(pub MemoryStreams, pub PartitionCount);

#[async_trait]
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
