//! [`EventStore`]: snapshots beside the events.

use crate::fixtures::{P, auction_created, batch, bid_placed, fresh};
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendResult, EventStore, EventStoreConnector,
};
use auction_domain::auction::{Auction, AuctionState};
use auction_domain::{BidId, UserId};
use auction_wire::{Event, EventRecord, SnapshotRecord};
use uuid::Uuid;

/// An auction with four events at positions 1, 3, 4 and 6, and another one with the two between.
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
    auction.unwrap().memento()
}

/// A snapshot as of a position.
async fn kept(store: &mut impl EventStore, key: Uuid, position: u64) -> SnapshotRecord {
    let snapshot = SnapshotRecord::of(key, position, &memento(store, key, position).await);
    store.save_snapshot(&snapshot).await.unwrap();
    snapshot
}

fn versions(events: &[EventRecord]) -> Vec<(Uuid, u64)> {
    events.iter().map(|event| (event.key, event.version)).collect()
}

/// See its name.
pub async fn a_snapshot_comes_back_with_the_events_behind_it(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, other) = two_auctions(&mut store).await;
    let without = store.history_since_snapshot(&[one, other], u64::MAX).await.unwrap();
    let all = store.history(&[one, other], u64::MAX).await.unwrap();
    assert_eq!(without, AggregateHistory { snapshots: Vec::new(), events: all });
    let snapshot = kept(&mut store, one, 4).await;
    let AggregateHistory { snapshots, events } =
        store.history_since_snapshot(&[one, other], u64::MAX).await.unwrap();
    assert_eq!(snapshots, std::slice::from_ref(&snapshot));
    let mut expected = vec![(one, 4), (other, 1), (other, 2)];
    expected.sort();
    assert_eq!(versions(&events), expected);
    assert_eq!(snapshot.auction().unwrap().memento(), memento(&mut store, one, 4).await);
    assert_eq!(store.history(&[one], u64::MAX).await.unwrap().len(), 4, "the events are all there");
    assert_eq!(store.head(P).await.unwrap(), 6);
}

/// A reader that is behind must not see what comes later.
pub async fn a_snapshot_of_later_events_than_asked_for_is_not_used(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, _) = two_auctions(&mut store).await;
    let snapshot = kept(&mut store, one, 4).await;
    for (until, used, behind) in [(3, false, 2), (4, true, 0), (5, true, 0), (6, true, 1)] {
        let AggregateHistory { snapshots, events } =
            store.history_since_snapshot(&[one], until).await.unwrap();
        assert_eq!((snapshots.len(), events.len()), (usize::from(used), behind), "up to {until}");
        assert!(snapshots.iter().all(|found| *found == snapshot));
    }
}

/// See its name.
pub async fn a_snapshot_gives_way_to_a_newer_one_only(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, other) = two_auctions(&mut store).await;
    let newer = kept(&mut store, one, 6).await;
    kept(&mut store, one, 3).await;
    let of_other = kept(&mut store, other, 6).await;
    let found = store.history_since_snapshot(&[one, other], u64::MAX).await.unwrap();
    assert_eq!(found, AggregateHistory { snapshots: vec![newer, of_other], events: Vec::new() });
}

/// See its name.
pub async fn a_snapshot_of_another_format_is_as_good_as_none(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (one, _) = two_auctions(&mut store).await;
    let ours = SnapshotRecord::of(one, 3, &memento(&mut store, one, 3).await);
    let theirs = SnapshotRecord { format: ours.format + 1, version: 4, position: 6, ..ours.clone() };
    store.save_snapshot(&theirs).await.unwrap();
    let found = store.history_since_snapshot(&[one], u64::MAX).await.unwrap();
    assert_eq!((found.snapshots.len(), found.events.len()), (0, 4));
    store.save_snapshot(&ours).await.unwrap();
    let found = store.history_since_snapshot(&[one], u64::MAX).await.unwrap();
    assert_eq!(found.snapshots, [ours], "and gives way to ours");
}
