//! Contract of [`EventStore`]: appends, outcomes, deletions and history.

use crate::fixtures::{
    AT, END, P, auction_created, batch, bid_placed, fresh, promoted_auction_created, refusal, user_created,
    user_deleted, users_barred,
};
use auction_app::ports::events::event_store::{AppendBatch, AppendResult, EventStore, EventStoreConnector};
use auction_domain::auction::{AuctionEvent, Seed};
use auction_domain::{AuctionId, BidId, UserId};
use auction_wire::{CommandId, Event, EventRecord, Outcome, PartitionId};

async fn append(store: &mut impl EventStore, batch: &AppendBatch) -> AppendResult {
    store.append(batch).await.unwrap()
}

async fn append_committed(store: &mut impl EventStore, batch: &AppendBatch) {
    assert_eq!(append(store, batch).await, AppendResult::Committed);
}

async fn events(store: &mut impl EventStore) -> Vec<EventRecord> {
    store.events_after(P, 0, 1000).await.unwrap()
}

async fn outcomes_of(store: &mut impl EventStore, batch: &AppendBatch) -> Vec<Outcome> {
    let ids: Vec<CommandId> = batch.outcomes.iter().map(|outcome| outcome.command).collect();
    store.outcomes(P, &ids).await.unwrap()
}

fn users(head: u64, count: usize) -> AppendBatch {
    batch(head, (0..count).map(|_| (fresh(), 1, user_created())).collect())
}

/// Asserts that the batch wrote nothing and that everything before it is unchanged.
async fn assert_wrote_nothing(store: &mut impl EventStore, before: &[EventRecord], batch: &AppendBatch) {
    assert_eq!(events(store).await, before);
    assert_eq!(store.head(P).await.unwrap(), before.len() as u64);
    assert_eq!(outcomes_of(store, batch).await, []);
}

pub async fn store_assigns_gap_free_positions_and_events_round_trip(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.head(P).await.unwrap(), 0);
    let batches = [users(0, 3), users(3, 1), users(4, 5)];
    for batch in &batches {
        append_committed(&mut store, batch).await;
    }
    let written: Vec<EventRecord> =
        batches.iter().flat_map(|batch| &batch.events).map(|event| event.record.clone()).collect();
    assert_eq!(events(&mut store).await, written);
    assert_eq!(store.head(P).await.unwrap(), 9);
    let some = store.events_after(P, 2, 4).await.unwrap();
    assert_eq!(some.iter().map(|event| event.position).collect::<Vec<_>>(), [3, 4, 5, 6]);
    let again = stores.open().await.unwrap().events_after(P, 0, 1000).await.unwrap();
    assert_eq!(again, written, "read on another connection");
}

pub async fn append_writes_nothing_when_the_head_moved(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    append_committed(&mut store, &users(0, 3)).await;
    let before = events(&mut store).await;
    for stale in [users(0, 1), users(2, 1), users(4, 1)] {
        assert_eq!(append(&mut store, &stale).await, AppendResult::HeadConflict);
        assert_wrote_nothing(&mut store, &before, &stale).await;
    }
    append_committed(&mut store, &users(3, 1)).await;
}

pub async fn append_writes_nothing_when_the_version_exists(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (auction, bidder) = (fresh(), UserId(fresh()));
    append_committed(&mut store, &batch(0, vec![(auction, 1, auction_created(None))])).await;
    let before = events(&mut store).await;
    let late = batch(1, vec![(auction, 1, bid_placed(BidId(fresh()), bidder, 100))]);
    assert_eq!(append(&mut store, &late).await, AppendResult::HeadConflict);
    assert_wrote_nothing(&mut store, &before, &late).await;
}

pub async fn append_writes_nothing_for_a_duplicate_command(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (first, mut second) = (users(0, 1), users(1, 2));
    append_committed(&mut store, &first).await;
    let before = events(&mut store).await;
    let fresh_outcomes = second.outcomes.clone();
    second.outcomes.push(refusal(first.outcomes[0].command, 3));
    assert_eq!(append(&mut store, &second).await, AppendResult::DuplicateCommand);
    assert_eq!(outcomes_of(&mut store, &second).await, first.outcomes, "the first outcome is kept");
    second.outcomes = fresh_outcomes;
    assert_wrote_nothing(&mut store, &before, &second).await;
    append_committed(&mut store, &second).await;
}

/// The deleted bid is no longer the bidder's latest one, so the rules alone would accept it a second time.
pub async fn append_detects_a_duplicate_of_a_deleted_bid(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (auction, bidder, bid) = (fresh(), UserId(fresh()), BidId(fresh()));
    let deleted = Event::Auction(AuctionEvent::BidDeleted { bid, bidder });
    let events = vec![
        (auction, 1, auction_created(None)),
        (auction, 2, bid_placed(bid, bidder, 200)),
        (auction, 3, deleted),
    ];
    append_committed(&mut store, &batch(0, events)).await;
    let duplicate = batch(3, vec![(auction, 4, bid_placed(bid, bidder, 200))]);
    assert_eq!(append(&mut store, &duplicate).await, AppendResult::DuplicateCommand);
    assert_eq!(store.head(P).await.unwrap(), 3);
}

pub async fn append_of_refusals_only_checks_the_head(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    append_committed(&mut store, &users(0, 2)).await;
    let before = events(&mut store).await;
    let mut refusals = batch(1, Vec::new());
    refusals.outcomes = vec![refusal(CommandId(fresh()), 1), refusal(CommandId(fresh()), 1)];
    assert_eq!(append(&mut store, &refusals).await, AppendResult::HeadConflict);
    assert_wrote_nothing(&mut store, &before, &refusals).await;
    refusals.expected_head = 2;
    append_committed(&mut store, &refusals).await;
    assert_eq!(outcomes_of(&mut store, &refusals).await.len(), 2);
    assert_eq!(store.head(P).await.unwrap(), 2);
}

pub async fn append_rejects_content_that_cannot_be_stored(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    append_committed(&mut store, &users(0, 1)).await;
    let before = events(&mut store).await;
    let mut batch = users(1, 2);
    batch.outcomes[1].kind = "a\0b".to_owned();
    for _ in 0..2 {
        let appended = append(&mut store, &batch).await;
        assert!(matches!(appended, AppendResult::Rejected(_)), "{appended:?}");
        assert_wrote_nothing(&mut store, &before, &batch).await;
    }
    batch.outcomes[1].kind = "ab".to_owned();
    append_committed(&mut store, &batch).await;
}

pub async fn outcomes_round_trip(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let mut batch = users(0, 1);
    batch.outcomes.push(refusal(CommandId(fresh()), 1));
    append_committed(&mut store, &batch).await;
    for outcome in &batch.outcomes {
        let found = store.outcomes(P, &[outcome.command, CommandId(fresh())]).await.unwrap();
        assert_eq!(found, std::slice::from_ref(outcome));
    }
}

pub async fn active_users_excludes_deleted_and_barred_users(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let [ada, bob, eve] = std::array::from_fn(|_| fresh());
    let created = [ada, bob, eve].map(|user| (user, 1, user_created()));
    append_committed(&mut store, &batch(0, created.into())).await;
    let all = [UserId(ada), UserId(bob), UserId(eve), UserId(fresh())];
    assert_eq!(store.active_users(P, &all).await.unwrap().len(), 3);
    append_committed(&mut store, &batch(3, vec![(ada, 2, user_deleted())])).await;
    assert_eq!(store.unfinished_bars(P).await.unwrap(), []);
    // The same bar twice, as after a crash of the user-deletion process.
    let bars = vec![(fresh(), 1, users_barred(&[UserId(bob)])), (fresh(), 1, users_barred(&[UserId(bob)]))];
    append_committed(&mut store, &batch(4, bars)).await;
    append_committed(&mut store, &batch(6, vec![(fresh(), 1, users_barred(&[UserId(bob)]))])).await;
    assert_eq!(store.active_users(P, &all).await.unwrap(), [UserId(eve)]);
    assert_eq!(store.unfinished_bars(P).await.unwrap(), [UserId(bob)]);
    let other = PartitionId(1);
    assert_eq!(store.active_users(other, &[UserId(bob)]).await.unwrap(), [UserId(bob)]);
    assert_eq!(store.unfinished_bars(other).await.unwrap(), []);
}

pub async fn open_auctions_excludes_auctions_with_a_result(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.open_auctions(P).await.unwrap(), Default::default());
    let [open, ended, cancelled, closed, extended] = std::array::from_fn(|_| fresh());
    let created = [open, ended, cancelled, closed, extended].map(|key| (key, 1, auction_created(None)));
    append_committed(&mut store, &batch(0, created.into())).await;
    let reason = auction_domain::auction::UnsoldReason::NoBids;
    let ends_at = AT;
    let changes = vec![
        (ended, 2, Event::Auction(AuctionEvent::AuctionEnded { ends_at, by: None })),
        (cancelled, 2, Event::Auction(AuctionEvent::AuctionCancelled { by: None })),
        (closed, 2, Event::Auction(AuctionEvent::AuctionClosedUnsold { reason })),
        (extended, 2, Event::Auction(AuctionEvent::AuctionExtended { ends_at: END })),
        (extended, 3, Event::Auction(AuctionEvent::AuctionExtended { ends_at })),
    ];
    append_committed(&mut store, &batch(5, changes)).await;
    let mut found = store.open_auctions(P).await.unwrap();
    found.auctions.sort();
    let mut expected = vec![(AuctionId(open), END), (AuctionId(ended), AT), (AuctionId(extended), AT)];
    expected.sort();
    assert_eq!((found.position, found.auctions), (10, expected));
    assert_eq!(store.open_auctions(PartitionId(1)).await.unwrap(), Default::default());
}

pub async fn unrevealed_auctions_lists_promoted_auctions_until_reveal(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.unrevealed_auctions(P).await.unwrap(), Default::default());
    let [plain, open, closed, revealed, at_once] = std::array::from_fn(|_| fresh());
    let reason = auction_domain::auction::UnsoldReason::NoBids;
    let is_closed = || Event::Auction(AuctionEvent::AuctionClosedUnsold { reason });
    let is_revealed = || Event::Auction(AuctionEvent::SeedRevealed { seed: Seed([0; 32]) });
    let created = vec![
        (plain, 1, auction_created(None)),
        (open, 1, promoted_auction_created()),
        (closed, 1, promoted_auction_created()),
        (revealed, 1, promoted_auction_created()),
        // Created, closed and revealed in one batch.
        (at_once, 1, promoted_auction_created()),
        (at_once, 2, is_closed()),
        (at_once, 3, is_revealed()),
    ];
    append_committed(&mut store, &batch(0, created)).await;
    let changes = vec![(closed, 2, is_closed()), (revealed, 2, is_closed()), (revealed, 3, is_revealed())];
    append_committed(&mut store, &batch(7, changes)).await;
    let mut found = store.unrevealed_auctions(P).await.unwrap();
    found.auctions.sort();
    let mut expected = vec![AuctionId(open), AuctionId(closed)];
    expected.sort();
    assert_eq!((found.position, found.auctions), (10, expected));
    assert_eq!(store.unrevealed_auctions(PartitionId(1)).await.unwrap(), Default::default());
}

pub async fn concurrent_appends_commit_exactly_one(stores: &impl EventStoreConnector) {
    let (mut one, mut two) = (stores.open().await.unwrap(), stores.open().await.unwrap());
    for head in 0..20 {
        let (a, b) = (users(head, 1), users(head, 1));
        let (a_result, b_result) = tokio::join!(append(&mut one, &a), append(&mut two, &b));
        let (winner, loser) = match (a_result, b_result) {
            (AppendResult::Committed, AppendResult::HeadConflict) => (a, b),
            (AppendResult::HeadConflict, AppendResult::Committed) => (b, a),
            both => panic!("{both:?}"),
        };
        let last = one.events_after(P, head, 10).await.unwrap();
        assert_eq!(last, [winner.events[0].record.clone()]);
        assert_eq!(outcomes_of(&mut one, &loser).await, []);
    }
}

pub async fn partitions_have_independent_heads(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let mut other = users(0, 2);
    other.partition = PartitionId(1);
    other.outcomes.iter_mut().for_each(|outcome| outcome.partition = PartitionId(1));
    append_committed(&mut store, &users(0, 3)).await;
    append_committed(&mut store, &other).await;
    assert_eq!(store.head(P).await.unwrap(), 3);
    assert_eq!(store.head(PartitionId(1)).await.unwrap(), 2);
    assert_eq!(store.events_after(PartitionId(1), 0, 10).await.unwrap().len(), 2);
}

pub async fn history_is_ordered_by_key_and_version_up_to_a_position(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (auction, bidder, other) = (fresh(), UserId(fresh()), fresh());
    let bid = |minor_units| bid_placed(BidId(fresh()), bidder, minor_units);
    let events = vec![
        (auction, 1, auction_created(None)),
        (other, 1, auction_created(None)),
        (auction, 2, bid(200)),
        (other, 2, bid(200)),
        (auction, 3, bid(300)),
    ];
    append_committed(&mut store, &batch(0, events)).await;
    let of = |events: Vec<EventRecord>| events.iter().map(|e| (e.key, e.version)).collect::<Vec<_>>();
    let found = store.history(&[auction, other], 4).await.unwrap();
    let mut expected = vec![(auction, 1), (auction, 2), (other, 1), (other, 2)];
    expected.sort();
    assert_eq!(of(found), expected);
    let found = store.history(&[auction], u64::MAX).await.unwrap();
    assert_eq!(of(found), [(auction, 1), (auction, 2), (auction, 3)]);
    assert_eq!(store.history(&[fresh()], u64::MAX).await.unwrap(), []);
}
