//! Contract of [`CommandReader`] and [`CommandSettler`]: commands are read and events published in order.

use crate::fixtures::{P, create_auction, create_user, fresh, outcome, place_bid, records};
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, CommandStreamConnector, LastEvent, NewDeadLetter, PublishResult,
    ReceivedCommand, Settlement,
};
use auction_app::ports::events::event_stream::EventStreamConnector;
use auction_app::ports::events::event_tail::EventTailConnector;
use auction_domain::{AuctionId, UserId};
use auction_wire::{Channel, Command, EventRecord, Outcome, OutcomeResult, PartitionId};
use stream_worker::EntryId;

/// Field names and values of an entry.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Streams of partition 0 and access to their contents.
pub trait StreamHarness {
    type Commands: CommandStreamConnector;
    type Events: EventStreamConnector;
    type Tails: EventTailConnector;
    /// Returns a connector whose readers read at most `count` commands of each channel at a time.
    fn command_connector(&self, count: usize) -> Self::Commands;
    /// Returns a connector whose streams read at most `count` events at a time.
    fn event_connector(&self, count: usize) -> Self::Events;
    /// Returns a connector whose tails read all partitions.
    fn tail_connector(&self) -> Self::Tails;
    fn add(&self, channel: Channel, fields: Fields) -> impl Future<Output = EntryId>;
    /// Delivers the next entries of a channel to a consumer that never processes them.
    fn deliver_elsewhere(&self, channel: Channel, count: usize) -> impl Future<Output = Vec<EntryId>>;
    /// Publishes events as another writer would, without checking the end of the stream.
    fn publish(&self, events: &[EventRecord]) -> impl Future<Output = ()>;
    /// Returns the number of commands that are delivered and not acknowledged.
    fn pending(&self) -> impl Future<Output = usize>;
    /// Returns the number of consumers in the group.
    fn consumers(&self) -> impl Future<Output = usize>;
    /// Returns the dead-lettered entries with their reasons.
    fn dead_letters(&self) -> impl Future<Output = Vec<(EntryId, String)>>;
    fn events(&self) -> impl Future<Output = Vec<EventRecord>>;
    /// Returns the outcomes sent to the ingress `ingress`, which waits for replies.
    fn replies(&self) -> impl Future<Output = Vec<Outcome>>;
}

/// Reader and settler of one command stream.
pub struct CommandStream<C: CommandStreamConnector> {
    pub reader: C::Reader,
    pub settler: C::Settler,
}

impl<C: CommandStreamConnector> CommandStream<C> {
    /// Opens the command stream of partition 0.
    pub async fn open(connector: &C) -> CommandStream<C> {
        let (reader, settler) = connector.open(P).await.unwrap();
        CommandStream { reader, settler }
    }

    pub async fn read(&mut self) -> Vec<ReceivedCommand> {
        let Batch { deliveries, isolated } = self.reader.read().await.unwrap();
        assert!(!isolated, "no command is suspected of crashing processes");
        deliveries
    }

    /// Settles a batch without events.
    async fn settle_without_events(&mut self, batch: &[ReceivedCommand]) {
        let after = self.settler.stream_head().await.unwrap();
        let settled = self.settler.settle(&settlement(after, Vec::new(), batch)).await.unwrap();
        assert_eq!(settled, PublishResult::Published);
    }

    /// Reads and settles until `count` commands have arrived.
    async fn drain(&mut self, count: usize) -> Vec<ReceivedCommand> {
        let mut all = Vec::new();
        while all.len() < count {
            let batch = self.read().await;
            assert!(!batch.is_empty(), "{} of {count} commands arrived", all.len());
            self.settle_without_events(&batch).await;
            all.extend(batch);
        }
        all
    }
}

/// Identifies an entry: entries of different channels may have the same id.
type EntryRef = (Channel, EntryId);

async fn add(harness: &impl StreamHarness, command: &Command) -> EntryRef {
    let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    let channel = command.body.channel();
    (channel, harness.add(channel, fields).await)
}

async fn deliver_elsewhere(harness: &impl StreamHarness, channel: Channel, count: usize) -> Vec<EntryRef> {
    harness.deliver_elsewhere(channel, count).await.into_iter().map(|entry| (channel, entry)).collect()
}

async fn add_bids(harness: &impl StreamHarness, count: usize) -> Vec<EntryRef> {
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(add(harness, &place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await);
    }
    entries
}

async fn add_creations(harness: &impl StreamHarness, count: usize) -> Vec<EntryRef> {
    let mut entries = Vec::new();
    for n in 0..count {
        entries.push(match n % 2 {
            0 => add(harness, &create_auction(AuctionId(fresh()))).await,
            _ => add(harness, &create_user(UserId(fresh()))).await,
        });
    }
    entries
}

fn entries(batch: &[ReceivedCommand]) -> Vec<EntryRef> {
    batch.iter().map(|delivery| (delivery.channel, delivery.entry)).collect()
}

fn settlement(after: u64, events: Vec<EventRecord>, batch: &[ReceivedCommand]) -> Settlement {
    let mut settlement = Settlement { after, events, ..Settlement::default() };
    for ReceivedCommand { channel, entry, command } in batch {
        match command {
            Ok(_) => settlement.done.push((*channel, *entry)),
            Err(poison) => settlement.dead.push(NewDeadLetter {
                channel: *channel,
                entry: *entry,
                reason: poison.failure.reason.name().to_owned(),
                error: poison.failure.error.clone(),
                fields: poison.fields.clone(),
            }),
        }
    }
    settlement
}

pub async fn creations_precede_bids_added_later(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    let bid = add_bids(harness, 1).await;
    let creations = add_creations(harness, 4).await;
    let bids = add_bids(harness, 2).await;
    let all = stream.drain(7).await;
    let all = entries(&all);
    let index = |entry: &EntryRef| all.iter().position(|delivered| delivered == entry).unwrap();
    assert!(creations.iter().all(|creation| bids.iter().all(|bid| index(creation) < index(bid))));
    assert!(index(&bid[0]) < index(&bids[0]));
    assert_eq!(harness.pending().await, 0);
}

pub async fn creations_precede_bids_when_their_channel_is_full(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(2)).await;
    let creations = add_creations(harness, 11).await;
    let bids = add_bids(harness, 5).await;
    let all = entries(&stream.drain(16).await);
    let (first, last) = all.split_at(11);
    assert!(creations.iter().all(|creation| first.contains(creation)), "{first:?}");
    assert_eq!(last, bids);
    assert_eq!(harness.pending().await, 0);
}

pub async fn entries_pending_elsewhere_precede_newer_entries(harness: &impl StreamHarness) {
    let bids = add_bids(harness, 6).await;
    assert_eq!(deliver_elsewhere(harness, Channel::Bid, 4).await, bids[..4]);
    let mut stream = CommandStream::open(&harness.command_connector(3)).await;
    assert_eq!(entries(&stream.drain(6).await), bids);
    assert_eq!(harness.pending().await, 0);
}

pub async fn entries_of_a_lost_reader_are_redelivered_in_order(harness: &impl StreamHarness) {
    let creations = add_creations(harness, 3).await;
    let bids = add_bids(harness, 5).await;
    let connector = harness.command_connector(4);
    for _ in 0..3 {
        let mut lost = CommandStream::open(&connector).await;
        assert!(!lost.read().await.is_empty());
    }
    let mut stream = CommandStream::open(&connector).await;
    let all = entries(&stream.drain(8).await);
    assert!(creations.iter().all(|creation| all[..3].contains(creation)));
    assert_eq!(all[3..], bids);
}

/// The blocked read of a paused reader receives entries after its successor took over.
pub async fn entries_delivered_elsewhere_are_claimed_before_newer_ones(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    let first = add_bids(harness, 2).await;
    assert_eq!(entries(&stream.drain(2).await), first);
    let stolen = add_bids(harness, 2).await;
    assert_eq!(deliver_elsewhere(harness, Channel::Bid, 2).await, stolen);
    let newer = add_bids(harness, 2).await;
    let all = entries(&stream.drain(4).await);
    assert_eq!(all, [stolen, newer].concat());
    assert_eq!(harness.pending().await, 0);
}

pub async fn unsettled_entries_are_delivered_once_to_a_reader(harness: &impl StreamHarness) {
    let bids = add_bids(harness, 7).await;
    deliver_elsewhere(harness, Channel::Bid, 4).await;
    let mut stream = CommandStream::open(&harness.command_connector(2)).await;
    let (mut all, mut batches) = (Vec::new(), Vec::new());
    while all.len() < 7 {
        let batch = stream.read().await;
        assert!(!batch.is_empty(), "{} of 7 commands arrived", all.len());
        all.extend(entries(&batch));
        batches.push(batch);
    }
    assert_eq!(all, bids);
    assert_eq!(harness.pending().await, 7);
    assert_eq!(entries(&stream.read().await), []);
    // A paused reader receives more entries while the first ones are not settled yet.
    let stolen = add_bids(harness, 3).await;
    assert_eq!(deliver_elsewhere(harness, Channel::Bid, 2).await, stolen[..2]);
    assert_eq!(entries(&stream.drain(3).await), stolen);
    for batch in batches {
        stream.settle_without_events(&batch).await;
    }
    assert_eq!(harness.pending().await, 0);
}

/// A writer that takes its turn again: another writer may have settled some entries and received others.
pub async fn takeover_redelivers_unsettled_entries(harness: &impl StreamHarness) {
    let bids = add_bids(harness, 4).await;
    let (mut stream, mut other) = {
        let connector = harness.command_connector(2);
        (CommandStream::open(&connector).await, CommandStream::open(&connector).await)
    };
    let first = stream.read().await;
    assert_eq!(entries(&first), bids[..2]);
    other.reader.take_over().await.unwrap();
    assert_eq!(entries(&other.read().await), bids[..2]);
    other.settle_without_events(&first[..1]).await;
    assert_eq!(deliver_elsewhere(harness, Channel::Bid, 1).await, bids[2..3]);
    stream.reader.take_over().await.unwrap();
    assert_eq!(entries(&stream.drain(3).await), bids[1..]);
    assert_eq!(harness.pending().await, 0);
}

pub async fn wait_ends_on_new_entries_and_delivers_none(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(10)).await;
    stream.reader.take_over().await.unwrap();
    stream.reader.wait().await.unwrap();
    let bids = add_bids(harness, 2).await;
    stream.reader.wait().await.unwrap();
    assert_eq!(harness.pending().await, 0);
    assert_eq!(entries(&stream.drain(2).await), bids);
}

pub async fn settle_is_atomic(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    add_bids(harness, 3).await;
    let batch = stream.read().await;
    assert_eq!(harness.pending().await, 3);
    let events = records(0, 2);
    let mut settlement = settlement(0, events.clone(), &batch);
    let command = batch[0].command.as_ref().unwrap();
    let reply = outcome(command.id, command.key, 2, OutcomeResult::accepted(1, None, Vec::new()));
    settlement.replies.push(("ingress".to_owned(), reply.clone()));
    settlement.replies.push(("gone".to_owned(), reply.clone()));
    assert_eq!(stream.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
    assert_eq!(harness.pending().await, 0);
    assert_eq!(harness.events().await, events);
    assert_eq!(
        stream.settler.last_event().await.unwrap(),
        LastEvent::Event(Box::new(events.last().unwrap().clone()))
    );
    assert_eq!(stream.settler.stream_head().await.unwrap(), 2);
    assert_eq!(harness.replies().await, [reply]);
    add_bids(harness, 1).await;
    let batch = stream.read().await;
    assert_eq!(batch.len(), 1, "settled entries are not delivered again");
}

pub async fn settle_changes_nothing_when_the_stream_moved(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    add_bids(harness, 2).await;
    harness.add(Channel::Bid, vec![(b"id".to_vec(), b"unreadable".to_vec())]).await;
    let batch = stream.read().await;
    assert_eq!(stream.settler.stream_head().await.unwrap(), 0);
    let others = records(0, 1);
    harness.publish(&others).await;
    // The settler notices the other writer's event in the first attempt and knows of it in the second.
    for _ in 0..2 {
        let settlement = settlement(0, records(0, 2), &batch);
        assert_eq!(stream.settler.settle(&settlement).await.unwrap(), PublishResult::StreamMoved);
        assert_eq!(harness.events().await, others);
        assert_eq!(harness.pending().await, 3, "nothing is acknowledged");
        assert_eq!(harness.dead_letters().await, []);
    }
    let settlement = settlement(1, records(1, 2), &batch);
    assert_eq!(stream.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
    assert_eq!(harness.pending().await, 0);
    assert_eq!(harness.events().await.len(), 3);
}

pub async fn publish_succeeds_only_at_the_end_of_the_stream(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    assert_eq!(stream.settler.last_event().await.unwrap(), LastEvent::None);
    let events = records(0, 5);
    assert_eq!(stream.settler.publish(0, &events[..2]).await.unwrap(), PublishResult::Published);
    assert_eq!(stream.settler.publish(0, &events[..2]).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(stream.settler.publish(3, &events[3..]).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(stream.settler.publish(2, &events[2..3]).await.unwrap(), PublishResult::Published);
    harness.publish(&events[3..4]).await;
    assert_eq!(stream.settler.publish(3, &events[3..]).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(stream.settler.publish(4, &events[4..]).await.unwrap(), PublishResult::Published);
    assert_eq!(harness.events().await, events);
}

pub async fn unreadable_entries_are_dead_lettered_and_acknowledged(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    let unreadable =
        harness.add(Channel::Bid, vec![(vec![0xff], vec![0xfe]), (b"id".to_vec(), vec![])]).await;
    let good = add_bids(harness, 1).await;
    let batch = stream.read().await;
    assert_eq!(entries(&batch), [(Channel::Bid, unreadable), good[0]]);
    assert!(batch[0].command.is_err() && batch[1].command.is_ok());
    stream.settle_without_events(&batch).await;
    assert_eq!(harness.dead_letters().await, [(unreadable, "unreadable".to_owned())]);
    assert_eq!(harness.pending().await, 0);
}

pub async fn entry_is_acknowledged_once_it_and_earlier_ones_are_settled(harness: &impl StreamHarness) {
    let connector = harness.command_connector(2);
    let bids = add_bids(harness, 4).await;
    let mut stream = CommandStream::open(&connector).await;
    let (first, second) = (stream.read().await, stream.read().await);
    let acknowledged =
        async |(channel, entry): EntryRef| connector.is_acknowledged(P, channel, entry).await.unwrap();
    assert!(!acknowledged(bids[0]).await && !acknowledged(bids[3]).await);
    stream.settle_without_events(&first).await;
    assert!(acknowledged(bids[1]).await && !acknowledged(bids[2]).await);
    stream.settle_without_events(&second).await;
    assert!(acknowledged(bids[3]).await);
    let (lost, never) = (PartitionId(1), bids[0]);
    assert!(connector.is_acknowledged(lost, never.0, never.1).await.unwrap(), "the stream does not exist");
}

pub async fn leave_group_removes_the_consumer(harness: &impl StreamHarness) {
    let mut stream = CommandStream::open(&harness.command_connector(100)).await;
    add_creations(harness, 2).await;
    add_bids(harness, 1).await;
    stream.drain(3).await;
    assert_eq!(harness.consumers().await, 1);
    stream.reader.leave_group().await.unwrap();
    assert_eq!(harness.consumers().await, 0);
}
