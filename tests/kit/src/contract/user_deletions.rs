//! Contract of [`UserDeletions`]: unfinished deletions and bars, and open interests of users.

use crate::fixtures::{
    P, auction_created, batch, bid_placed, fresh, user_created, user_deleted, users_barred,
};
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::people::user_deletions::{Bar, OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::auction::{AuctionEvent, UnsoldReason};
use auction_domain::{AuctionId, BidId, Reason, Timestamp, UserId};
use auction_wire::{Event, PartitionId};
use uuid::Uuid;

/// An event store and the deletions recorded in it.
#[derive(Clone, Debug)]
pub struct Adapter<S, D> {
    pub stores: S,
    pub deletions: D,
}

impl<S: EventStoreConnector, D: UserDeletions> Adapter<S, D> {
    async fn append(&self, events: Vec<(Uuid, u64, Event)>) {
        let mut store = self.stores.open().await.unwrap();
        let batch = batch(store.head(P).await.unwrap(), events);
        assert_eq!(store.append(&batch).await.unwrap(), AppendResult::Committed);
    }

    /// Creates `count` users and deletes them. Returns them in the order of their ids.
    async fn delete_users(&self, count: usize) -> Vec<UserId> {
        let mut users: Vec<Uuid> = (0..count).map(|_| fresh()).collect();
        users.sort_unstable();
        self.append(users.iter().map(|user| (*user, 1, user_created())).collect()).await;
        self.append(users.iter().map(|user| (*user, 2, user_deleted())).collect()).await;
        users.into_iter().map(UserId).collect()
    }

    async fn unfinished(&self, limit: usize) -> Vec<PendingDeletion> {
        self.deletions.unfinished(limit).await.unwrap()
    }

    async fn open_interests(&self, user: UserId) -> Vec<OpenInterest> {
        let barred = [(P, user), (P, UserId(fresh())), (PartitionId(1), user)];
        let found = self.deletions.open_interests(&barred).await.unwrap();
        let mut interests: Vec<OpenInterest> = found.iter().map(|(.., interest)| *interest).collect();
        assert!(found.iter().all(|(partition, owner, _)| (*partition, *owner) == (P, user)));
        interests.sort_unstable();
        interests
    }
}

fn users(unfinished: &[PendingDeletion]) -> Vec<UserId> {
    unfinished.iter().map(|deletion| deletion.user).collect()
}

pub async fn deletion_is_listed_until_finished<S: EventStoreConnector, D: UserDeletions>(
    adapter: &Adapter<S, D>,
) {
    assert_eq!(adapter.unfinished(10).await, []);
    let deleted = adapter.delete_users(3).await;
    let unfinished = adapter.unfinished(10).await;
    assert_eq!(users(&unfinished), deleted);
    assert!(unfinished.iter().all(|deletion| (deletion.attempt, deletion.retry_at.0) == (0, 0)));
    for _ in 0..2 {
        adapter.deletions.finish(&[deleted[1]]).await.unwrap();
        assert_eq!(users(&adapter.unfinished(10).await), [deleted[0], deleted[2]]);
    }
    assert_eq!(users(&adapter.unfinished(1).await), [deleted[0]]);
}

pub async fn sent_bars_count_once_and_move_the_deletion_to_the_end<
    S: EventStoreConnector,
    D: UserDeletions,
>(
    adapter: &Adapter<S, D>,
) {
    let deleted = adapter.delete_users(3).await;
    let unfinished = adapter.unfinished(10).await;
    let sent = PendingDeletion { retry_at: Timestamp(5000), ..unfinished[0] };
    adapter.deletions.record_attempts(&[sent]).await.unwrap();
    let late = PendingDeletion { retry_at: Timestamp(7000), ..unfinished[0] };
    adapter.deletions.record_attempts(&[late]).await.unwrap();
    let after = adapter.unfinished(10).await;
    assert_eq!(users(&after), [deleted[1], deleted[2], deleted[0]]);
    assert_eq!(
        after[2],
        PendingDeletion { attempt: 1, ..sent },
        "an attempt that was already recorded changes nothing"
    );
}

pub async fn sent_removals_count_once_and_bars_finish<S: EventStoreConnector, D: UserDeletions>(
    adapter: &Adapter<S, D>,
) {
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    assert_eq!(adapter.deletions.bars(&[ada, bob]).await.unwrap(), []);
    adapter.append(vec![(fresh(), 1, users_barred(&[ada, bob]))]).await;
    let bar = Bar { partition: P, user: ada, attempt: 0, retry_at: Timestamp(0), finished: false };
    assert_eq!(adapter.deletions.bars(&[ada, UserId(fresh())]).await.unwrap(), [bar]);
    let sent = Bar { retry_at: Timestamp(5000), ..bar };
    adapter.deletions.record_removals_sent(&[sent]).await.unwrap();
    adapter.deletions.record_removals_sent(&[Bar { retry_at: Timestamp(7000), ..bar }]).await.unwrap();
    assert_eq!(adapter.deletions.bars(&[ada]).await.unwrap(), [Bar { attempt: 1, ..sent }]);
    for _ in 0..2 {
        adapter.deletions.finish_bars(&[(P, ada), (PartitionId(1), bob)]).await.unwrap();
        let finished = adapter.deletions.bars(&[ada]).await.unwrap();
        assert_eq!(finished, [Bar { attempt: 1, finished: true, ..sent }]);
    }
    let mut store = adapter.stores.open().await.unwrap();
    assert_eq!(store.unfinished_bars(P).await.unwrap(), [bob], "bars of another partition are separate");
}

pub async fn open_interests_are_active_bids_and_unfinished_sales<S: EventStoreConnector, D: UserDeletions>(
    adapter: &Adapter<S, D>,
) {
    let (ada, sue, bob) = (UserId(fresh()), UserId(fresh()), UserId(fresh()));
    let [open, closed, cancelled, others]: [Uuid; 4] = std::array::from_fn(|_| fresh());
    let [kept, again, deleted, voided, retracted]: [BidId; 5] = std::array::from_fn(|_| BidId(fresh()));
    let event = Event::Auction;
    let mut events: Vec<(Uuid, u64, Event)> =
        [open, closed, cancelled, others].map(|auction| (auction, 1, auction_created(Some(sue)))).into();
    events.extend([
        (open, 2, bid_placed(kept, ada, 200)),
        (open, 3, bid_placed(again, ada, 300)),
        (closed, 2, bid_placed(BidId(fresh()), ada, 200)),
        (cancelled, 2, bid_placed(BidId(fresh()), ada, 200)),
        (others, 2, bid_placed(deleted, ada, 200)),
        (others, 3, bid_placed(voided, ada, 300)),
        (others, 4, bid_placed(retracted, ada, 400)),
        (others, 5, bid_placed(BidId(fresh()), bob, 500)),
    ]);
    adapter.append(events).await;
    let reason = Reason::new("mistyped").unwrap();
    adapter
        .append(vec![
            (closed, 3, event(AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::ReserveNotMet })),
            (cancelled, 3, event(AuctionEvent::AuctionCancelled { by: None })),
            (others, 6, event(AuctionEvent::BidDeleted { bid: deleted, bidder: ada })),
            (others, 7, event(AuctionEvent::BidVoided { bid: voided, bidder: ada, reason, by: None })),
            (others, 8, event(AuctionEvent::BidsRetracted { bidder: ada, bids: vec![retracted] })),
        ])
        .await;
    assert_eq!(
        adapter.open_interests(ada).await,
        [OpenInterest::Bids(AuctionId(open))],
        "one interest for two bids"
    );
    let mut sales = vec![OpenInterest::Sale(AuctionId(open)), OpenInterest::Sale(AuctionId(others))];
    sales.sort_unstable();
    assert_eq!(adapter.open_interests(sue).await, sales);
    assert_eq!(adapter.open_interests(UserId(fresh())).await, []);
}
