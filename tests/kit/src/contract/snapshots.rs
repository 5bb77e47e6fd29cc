//! Contract of [`EventStore`]: snapshots stored next to the events.

use crate::fixtures::{P, auction_created, batch, bid_placed, fresh};
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendResult, EventStore, EventStoreConnector,
};
use auction_domain::auction::{Auction, AuctionState};
use auction_domain::{BidId, UserId};
use auction_wire::{Event, EventRecord, SnapshotRecord};
use uuid::Uuid;

/// Stores an auction with four events, at positions 1, 3, 4 and 6, and another with two, at 2 and 5.
async fn two_auctions(store: &mut impl EventStore) -> (Uuid, Uuid) {
    let (one, other, bidder) = (fresh(), fresh(), UserId(fresh()));
    let bid = |minor_units| bid_placed(BidId(fresh()), bidder, minor_units);
    let events = vec![
        (one, 1, auction_created(None)),
        (other, 1, auction_created(None)),
        (one, 2, bid(200)),
        (one, 3, bid(300)),
        (other, 2, bid(200)),
        (one, 4, bid(400)),
    ];
    assert_eq!(store.append(&batch(0, events)).await.unwrap(), AppendResult::Committed);
    (one, other)
}

async fn memento(store: &mut impl EventStore, key: Uuid, until: u64) -> AuctionState {
    let mut auction = None;
    for record in store.history(&[key], until).await.unwrap() {
        let Ok(Event::Auction(event)) = record.event() else { panic!("{record:?}") };
        Auction::apply(&mut auction, &event, record.at);
    }
    auction.unwrap().state()
}

/// Saves a snapshot of the state at a position.
async fn save_snapshot_at(store: &mut impl EventStore, key: Uuid, position: u64) -> SnapshotRecord {
    let snapshot = SnapshotRecord::of(key, position, &memento(store, key, position).await);
    store.save_snapshot(&snapshot).await.unwrap();
    snapshot
}

fn versions(events: &[EventRecord]) -> Vec<(Uuid, u64)> {
    events.iter().map(|event| (event.key, event.version)).collect()
}

pub async fn history_contains_the_snapshot_and_later_events(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, other) = two_auctions(&mut store).await;
    let without = store.history_since_snapshot(&[one, other], u64::MAX).await.unwrap();
    let all = store.history(&[one, other], u64::MAX).await.unwrap();
    assert_eq!(without, AggregateHistory { snapshots: Vec::new(), events: all });
    let snapshot = save_snapshot_at(&mut store, one, 4).await;
    let AggregateHistory { snapshots, events } =
        store.history_since_snapshot(&[one, other], u64::MAX).await.unwrap();
    assert_eq!(snapshots, std::slice::from_ref(&snapshot));
    let mut expected = vec![(one, 4), (other, 1), (other, 2)];
    expected.sort();
    assert_eq!(versions(&events), expected);
    assert_eq!(snapshot.auction().unwrap().state(), memento(&mut store, one, 4).await);
    assert_eq!(store.history(&[one], u64::MAX).await.unwrap().len(), 4, "all events are still stored");
    assert_eq!(store.head(P).await.unwrap(), 6);
}

/// A reader at an earlier position must not see later events through a snapshot.
pub async fn history_ignores_snapshots_after_the_requested_position(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, _) = two_auctions(&mut store).await;
    let snapshot = save_snapshot_at(&mut store, one, 4).await;
    for (until, used, later) in [(3, false, 2), (4, true, 0), (5, true, 0), (6, true, 1)] {
        let AggregateHistory { snapshots, events } =
            store.history_since_snapshot(&[one], until).await.unwrap();
        assert_eq!((snapshots.len(), events.len()), (usize::from(used), later), "up to {until}");
        assert!(snapshots.iter().all(|found| *found == snapshot));
    }
}

pub async fn snapshot_is_replaced_only_by_a_newer_one(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, other) = two_auctions(&mut store).await;
    let newer = save_snapshot_at(&mut store, one, 6).await;
    save_snapshot_at(&mut store, one, 3).await;
    let of_other = save_snapshot_at(&mut store, other, 6).await;
    let found = store.history_since_snapshot(&[one, other], u64::MAX).await.unwrap();
    assert_eq!(found, AggregateHistory { snapshots: vec![newer, of_other], events: Vec::new() });
}

pub async fn history_ignores_snapshots_of_another_format(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, _) = two_auctions(&mut store).await;
    let ours = SnapshotRecord::of(one, 3, &memento(&mut store, one, 3).await);
    let theirs = SnapshotRecord { format: ours.format + 1, version: 4, position: 6, ..ours.clone() };
    store.save_snapshot(&theirs).await.unwrap();
    let found = store.history_since_snapshot(&[one], u64::MAX).await.unwrap();
    assert_eq!((found.snapshots.len(), found.events.len()), (0, 4));
    store.save_snapshot(&ours).await.unwrap();
    let found = store.history_since_snapshot(&[one], u64::MAX).await.unwrap();
    assert_eq!(found.snapshots, [ours], "a snapshot of another format is replaced");
}
