//! [`CommandReader`] and [`CommandSettler`]: commands in, events out, in order.

use crate::fixtures::{P, create_auction, create_user, fresh, outcome, place_bid, records};
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, CommandStreamConnector, LastEvent, NewDeadLetter, PublishResult,
    ReceivedCommand, Settlement,
};
use auction_domain::{AuctionId, UserId};
use auction_wire::{Channel, Command, EventRecord, Outcome, OutcomeResult};
use stream_worker::EntryId;

/// Names and values of an entry.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Lanes of partition 0, and a look at what they work on.
pub trait CommandStreamHarness {
    /// What is tried.
    type Lanes: CommandStreamConnector;
    /// Lanes that read so many commands of each channel at a time.
    fn lanes(&self, count: usize) -> Self::Lanes;
    /// Adds an entry to a channel.
    fn add(&self, channel: Channel, fields: Fields) -> impl Future<Output = EntryId>;
    /// Hands the next entries of a channel to a lane that is paused and does not know it.
    fn lose(&self, channel: Channel, count: usize) -> impl Future<Output = Vec<EntryId>>;
    /// Somebody else publishes.
    fn publish(&self, events: &[EventRecord]) -> impl Future<Output = ()>;
    /// How many commands are delivered and not acknowledged.
    fn pending(&self) -> impl Future<Output = usize>;
    /// How many lanes are in the group.
    fn consumers(&self) -> impl Future<Output = usize>;
    /// Which entries were put away, and for what reason.
    fn dead(&self) -> impl Future<Output = Vec<(EntryId, String)>>;
    /// The event stream.
    fn events(&self) -> impl Future<Output = Vec<EventRecord>>;
    /// What was sent to the ingress `ingress`, which waits.
    fn replies(&self) -> impl Future<Output = Vec<Outcome>>;
}

/// Both halves of a lane.
pub struct Lane<L: CommandStreamConnector> {
    /// Commands in.
    pub reader: L::Reader,
    /// Events out.
    pub settler: L::Settler,
}

impl<L: CommandStreamConnector> Lane<L> {
    /// Opens one of partition 0.
    pub async fn open(lanes: &L) -> Lane<L> {
        let (reader, settler) = lanes.open(P).await.unwrap();
        Lane { reader, settler }
    }

    /// The next commands.
    pub async fn read(&mut self) -> Vec<ReceivedCommand> {
        let Batch { deliveries, isolated: alone } = self.reader.read().await.unwrap();
        assert!(!alone, "nothing is under suspicion");
        deliveries
    }

    /// Settles without events.
    async fn done(&mut self, batch: &[ReceivedCommand]) {
        let after = self.settler.stream_head().await.unwrap();
        let settled = self.settler.settle(&settlement(after, Vec::new(), batch)).await.unwrap();
        assert_eq!(settled, PublishResult::Published);
    }

    /// Reads and settles until `count` deliveries have come.
    async fn drain(&mut self, count: usize) -> Vec<ReceivedCommand> {
        let mut all = Vec::new();
        while all.len() < count {
            let batch = self.read().await;
            assert!(!batch.is_empty(), "{} of {count} came", all.len());
            self.done(&batch).await;
            all.extend(batch);
        }
        all
    }
}

/// Entries of different channels may have the same id.
type Place = (Channel, EntryId);

async fn add(bench: &impl CommandStreamHarness, command: &Command) -> Place {
    let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    let channel = command.body.channel();
    (channel, bench.add(channel, fields).await)
}

async fn lose(bench: &impl CommandStreamHarness, channel: Channel, count: usize) -> Vec<Place> {
    bench.lose(channel, count).await.into_iter().map(|entry| (channel, entry)).collect()
}

async fn add_bids(bench: &impl CommandStreamHarness, count: usize) -> Vec<Place> {
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(add(bench, &place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await);
    }
    entries
}

async fn add_creations(bench: &impl CommandStreamHarness, count: usize) -> Vec<Place> {
    let mut entries = Vec::new();
    for n in 0..count {
        entries.push(match n % 2 {
            0 => add(bench, &create_auction(AuctionId(fresh()))).await,
            _ => add(bench, &create_user(UserId(fresh()))).await,
        });
    }
    entries
}

fn entries(batch: &[ReceivedCommand]) -> Vec<Place> {
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

/// See its name.
pub async fn creations_come_before_bids_that_came_after_them(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    let bid = add_bids(bench, 1).await;
    let creations = add_creations(bench, 4).await;
    let bids = add_bids(bench, 2).await;
    let all = lane.drain(7).await;
    let all = entries(&all);
    let place = |entry: &Place| all.iter().position(|delivered| delivered == entry).unwrap();
    assert!(creations.iter().all(|creation| bids.iter().all(|bid| place(creation) < place(bid))));
    assert!(place(&bid[0]) < place(&bids[0]));
    assert_eq!(bench.pending().await, 0);
}

/// See its name.
pub async fn creations_come_first_also_when_their_channel_is_full(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(2)).await;
    let creations = add_creations(bench, 11).await;
    let bids = add_bids(bench, 5).await;
    let all = entries(&lane.drain(16).await);
    let (first, last) = all.split_at(11);
    assert!(creations.iter().all(|creation| first.contains(creation)), "{first:?}");
    assert_eq!(last, bids);
    assert_eq!(bench.pending().await, 0);
}

/// See its name.
pub async fn what_is_pending_with_others_comes_before_what_is_newer(bench: &impl CommandStreamHarness) {
    let bids = add_bids(bench, 6).await;
    assert_eq!(lose(bench, Channel::Bid, 4).await, bids[..4]);
    let mut lane = Lane::open(&bench.lanes(3)).await;
    assert_eq!(entries(&lane.drain(6).await), bids);
    assert_eq!(bench.pending().await, 0);
}

/// See its name.
pub async fn what_was_delivered_to_a_lost_lane_is_delivered_again_in_order(
    bench: &impl CommandStreamHarness,
) {
    let creations = add_creations(bench, 3).await;
    let bids = add_bids(bench, 5).await;
    let lanes = bench.lanes(4);
    for _ in 0..3 {
        let mut lost = Lane::open(&lanes).await;
        assert!(!lost.read().await.is_empty());
    }
    let mut lane = Lane::open(&lanes).await;
    let all = entries(&lane.drain(8).await);
    assert!(creations.iter().all(|creation| all[..3].contains(creation)));
    assert_eq!(all[3..], bids);
}

/// A paused lane's blocked read is handed entries after its successor took over.
pub async fn what_others_are_handed_meanwhile_is_taken_over_before_what_is_newer(
    bench: &impl CommandStreamHarness,
) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    let first = add_bids(bench, 2).await;
    assert_eq!(entries(&lane.drain(2).await), first);
    let stolen = add_bids(bench, 2).await;
    assert_eq!(lose(bench, Channel::Bid, 2).await, stolen);
    let newer = add_bids(bench, 2).await;
    let all = entries(&lane.drain(4).await);
    assert_eq!(all, [stolen, newer].concat());
    assert_eq!(bench.pending().await, 0);
}

/// See its name.
pub async fn what_was_read_and_is_not_settled_yet_does_not_come_again(bench: &impl CommandStreamHarness) {
    let bids = add_bids(bench, 7).await;
    lose(bench, Channel::Bid, 4).await;
    let mut lane = Lane::open(&bench.lanes(2)).await;
    let (mut all, mut batches) = (Vec::new(), Vec::new());
    while all.len() < 7 {
        let batch = lane.read().await;
        assert!(!batch.is_empty(), "{} of 7 came", all.len());
        all.extend(entries(&batch));
        batches.push(batch);
    }
    assert_eq!(all, bids);
    assert_eq!(bench.pending().await, 7);
    assert_eq!(entries(&lane.read().await), []);
    // A paused lane is handed more while all that is in work.
    let stolen = add_bids(bench, 3).await;
    assert_eq!(lose(bench, Channel::Bid, 2).await, stolen[..2]);
    assert_eq!(entries(&lane.drain(3).await), stolen);
    for batch in batches {
        lane.done(&batch).await;
    }
    assert_eq!(bench.pending().await, 0);
}

/// As a writer does whose turn it is again: another one may have settled part of it, or left more behind.
pub async fn taking_over_hands_out_again_what_is_not_settled(bench: &impl CommandStreamHarness) {
    let bids = add_bids(bench, 4).await;
    let (mut lane, mut other) = {
        let lanes = bench.lanes(2);
        (Lane::open(&lanes).await, Lane::open(&lanes).await)
    };
    let first = lane.read().await;
    assert_eq!(entries(&first), bids[..2]);
    other.reader.take_over().await.unwrap();
    assert_eq!(entries(&other.read().await), bids[..2]);
    other.done(&first[..1]).await;
    assert_eq!(lose(bench, Channel::Bid, 1).await, bids[2..3]);
    lane.reader.take_over().await.unwrap();
    assert_eq!(entries(&lane.drain(3).await), bids[1..]);
    assert_eq!(bench.pending().await, 0);
}

/// See its name.
pub async fn a_wait_ends_when_something_comes_and_hands_out_nothing(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(10)).await;
    lane.reader.take_over().await.unwrap();
    lane.reader.wait().await.unwrap();
    let bids = add_bids(bench, 2).await;
    lane.reader.wait().await.unwrap();
    assert_eq!(bench.pending().await, 0);
    assert_eq!(entries(&lane.drain(2).await), bids);
}

/// See its name.
pub async fn a_batch_is_settled_whole(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    add_bids(bench, 3).await;
    let batch = lane.read().await;
    assert_eq!(bench.pending().await, 3);
    let events = records(0, 2);
    let mut settlement = settlement(0, events.clone(), &batch);
    let command = batch[0].command.as_ref().unwrap();
    let reply = outcome(command.id, command.key, 2, OutcomeResult::accepted(1, None, Vec::new()));
    settlement.replies.push(("ingress".to_owned(), reply.clone()));
    settlement.replies.push(("gone".to_owned(), reply.clone()));
    assert_eq!(lane.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
    assert_eq!(bench.pending().await, 0);
    assert_eq!(bench.events().await, events);
    assert_eq!(
        lane.settler.last_event().await.unwrap(),
        LastEvent::Event(Box::new(events.last().unwrap().clone()))
    );
    assert_eq!(lane.settler.stream_head().await.unwrap(), 2);
    assert_eq!(bench.replies().await, [reply]);
    add_bids(bench, 1).await;
    let batch = lane.read().await;
    assert_eq!(batch.len(), 1, "what was settled does not come again");
}

/// See its name.
pub async fn nothing_is_settled_when_the_stream_moved(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    add_bids(bench, 2).await;
    bench.add(Channel::Bid, vec![(b"id".to_vec(), b"nonsense".to_vec())]).await;
    let batch = lane.read().await;
    assert_eq!(lane.settler.stream_head().await.unwrap(), 0);
    let others = records(0, 1);
    bench.publish(&others).await;
    // The lane does not know yet; then it does.
    for _ in 0..2 {
        let settlement = settlement(0, records(0, 2), &batch);
        assert_eq!(lane.settler.settle(&settlement).await.unwrap(), PublishResult::StreamMoved);
        assert_eq!(bench.events().await, others);
        assert_eq!(bench.pending().await, 3, "nothing is acknowledged");
        assert_eq!(bench.dead().await, []);
    }
    let settlement = settlement(1, records(1, 2), &batch);
    assert_eq!(lane.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
    assert_eq!(bench.pending().await, 0);
    assert_eq!(bench.events().await.len(), 3);
}

/// See its name.
pub async fn publishing_passes_only_from_the_end_of_the_stream(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    assert_eq!(lane.settler.last_event().await.unwrap(), LastEvent::None);
    let events = records(0, 5);
    assert_eq!(lane.settler.publish(0, &events[..2]).await.unwrap(), PublishResult::Published);
    assert_eq!(lane.settler.publish(0, &events[..2]).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(lane.settler.publish(3, &events[3..]).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(lane.settler.publish(2, &events[2..3]).await.unwrap(), PublishResult::Published);
    bench.publish(&events[3..4]).await;
    assert_eq!(lane.settler.publish(3, &events[3..]).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(lane.settler.publish(4, &events[4..]).await.unwrap(), PublishResult::Published);
    assert_eq!(bench.events().await, events);
}

/// See its name.
pub async fn what_cannot_be_read_is_put_away_and_acknowledged(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    let nonsense = bench.add(Channel::Bid, vec![(vec![0xff], vec![0xfe]), (b"id".to_vec(), vec![])]).await;
    let good = add_bids(bench, 1).await;
    let batch = lane.read().await;
    assert_eq!(entries(&batch), [(Channel::Bid, nonsense), good[0]]);
    assert!(batch[0].command.is_err() && batch[1].command.is_ok());
    lane.done(&batch).await;
    assert_eq!(bench.dead().await, [(nonsense, "unreadable".to_owned())]);
    assert_eq!(bench.pending().await, 0);
}

/// See its name.
pub async fn leaving_takes_the_lane_out_of_the_group(bench: &impl CommandStreamHarness) {
    let mut lane = Lane::open(&bench.lanes(100)).await;
    add_creations(bench, 2).await;
    add_bids(bench, 1).await;
    lane.drain(3).await;
    assert_eq!(bench.consumers().await, 1);
    lane.reader.leave_group().await.unwrap();
    assert_eq!(bench.consumers().await, 0);
}
