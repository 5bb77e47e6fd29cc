//! [`UserDeletions`]: what is left of deleted users.

use crate::fixtures::{P, auction_created, batch, bid_placed, fresh, user_created, user_deleted};
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::people::user_deletions::{OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::auction::{AuctionEvent, Unsold};
use auction_domain::{AuctionId, BidId, Reason, Timestamp, UserId};
use auction_wire::Event;
use uuid::Uuid;

/// Both sides of one store.
#[derive(Clone, Debug)]
pub struct Adapter<S, D> {
    /// Where events are appended.
    pub stores: S,
    /// What is tried.
    pub deletions: D,
}

impl<S: EventStoreConnector, D: UserDeletions> Adapter<S, D> {
    async fn append(&self, events: Vec<(Uuid, u64, Event)>) {
        let mut store = self.stores.open().await.unwrap();
        let mut batch = batch(store.head(P).await.unwrap(), events);
        batch.known_deletions = store.newest_deletion().await.unwrap();
        assert_eq!(store.append(&batch).await.unwrap(), AppendResult::Committed);
    }

    /// So many users, deleted one after the other.
    async fn deleted(&self, count: usize) -> Vec<UserId> {
        let users: Vec<Uuid> = (0..count).map(|_| fresh()).collect();
        self.append(users.iter().map(|user| (*user, 1, user_created())).collect()).await;
        self.append(users.iter().map(|user| (*user, 2, user_deleted())).collect()).await;
        users.into_iter().map(UserId).collect()
    }

    async fn unfinished(&self, limit: usize) -> Vec<PendingDeletion> {
        self.deletions.unfinished(limit).await.unwrap()
    }

    async fn stakes(&self, user: UserId) -> Vec<OpenInterest> {
        let found = self.deletions.open_interests(&[user, UserId(fresh())]).await.unwrap();
        let mut stakes: Vec<OpenInterest> = found.iter().map(|(_, stake)| *stake).collect();
        assert!(found.iter().all(|(whose, _)| *whose == user));
        stakes.sort_unstable();
        stakes
    }
}

fn users(unfinished: &[PendingDeletion]) -> Vec<UserId> {
    unfinished.iter().map(|deletion| deletion.user).collect()
}

/// See its name.
pub async fn a_deletion_is_unfinished_until_it_is_finished<S: EventStoreConnector, D: UserDeletions>(
    adapter: &Adapter<S, D>,
) {
    assert_eq!(adapter.unfinished(10).await, []);
    let deleted = adapter.deleted(3).await;
    let unfinished = adapter.unfinished(10).await;
    assert_eq!(users(&unfinished), deleted, "in the order of their deletion");
    assert!(unfinished.iter().all(|deletion| (deletion.attempt, deletion.again_at.0) == (0, 0)));
    for _ in 0..2 {
        adapter.deletions.finished(&[unfinished[1].sequence]).await.unwrap();
        assert_eq!(users(&adapter.unfinished(10).await), [deleted[0], deleted[2]]);
    }
    assert_eq!(users(&adapter.unfinished(1).await), [deleted[0]]);
}

/// See its name.
pub async fn what_was_sent_is_noted_once_and_comes_behind_what_was_not<
    S: EventStoreConnector,
    D: UserDeletions,
>(
    adapter: &Adapter<S, D>,
) {
    let deleted = adapter.deleted(3).await;
    let unfinished = adapter.unfinished(10).await;
    let sent = PendingDeletion { again_at: Timestamp(5000), ..unfinished[0] };
    adapter.deletions.record_sent(&[sent]).await.unwrap();
    let late = PendingDeletion { again_at: Timestamp(7000), ..unfinished[0] };
    adapter.deletions.record_sent(&[late]).await.unwrap();
    let after = adapter.unfinished(10).await;
    assert_eq!(users(&after), [deleted[1], deleted[2], deleted[0]]);
    assert_eq!(
        after[2],
        PendingDeletion { attempt: 1, ..sent },
        "who comes late with an attempt changes nothing"
    );
}

/// See its name.
pub async fn stakes_are_live_bids_and_sales_in_auctions_without_a_result<
    S: EventStoreConnector,
    D: UserDeletions,
>(
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
            (closed, 3, event(AuctionEvent::AuctionClosedUnsold { because: Unsold::ReserveNotMet })),
            (cancelled, 3, event(AuctionEvent::AuctionCancelled)),
            (others, 6, event(AuctionEvent::BidDeleted { bid: deleted, bidder: ada })),
            (others, 7, event(AuctionEvent::BidVoided { bid: voided, bidder: ada, reason })),
            (others, 8, event(AuctionEvent::BidsRetracted { bidder: ada, bids: vec![retracted] })),
        ])
        .await;
    assert_eq!(adapter.stakes(ada).await, [OpenInterest::Bids(AuctionId(open))], "once, for two bids");
    let mut sales = vec![OpenInterest::Sale(AuctionId(open)), OpenInterest::Sale(AuctionId(others))];
    sales.sort_unstable();
    assert_eq!(adapter.stakes(sue).await, sales);
    assert_eq!(adapter.stakes(UserId(fresh())).await, []);
}
