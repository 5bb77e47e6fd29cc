//! [`EventStore`]: the source of truth.

use crate::fixtures::{
    AT, END, P, auction_created, batch, bid_placed, fresh, promoted_auction_created, refusal, user_created,
    user_deleted,
};
use auction_app::ports::events::event_store::{AppendBatch, AppendResult, EventStore, EventStoreConnector};
use auction_domain::auction::{AuctionEvent, Seed};
use auction_domain::{AuctionId, BidId, UserId};
use auction_wire::{CommandId, Event, EventRecord, Outcome, PartitionId};

async fn append(store: &mut impl EventStore, batch: &AppendBatch) -> AppendResult {
    store.append(batch).await.unwrap()
}

async fn stored(store: &mut impl EventStore, batch: &AppendBatch) {
    assert_eq!(append(store, batch).await, AppendResult::Committed);
}

async fn events(store: &mut impl EventStore) -> Vec<EventRecord> {
    store.events_after(P, 0, 1000).await.unwrap()
}

async fn outcomes_of(store: &mut impl EventStore, batch: &AppendBatch) -> Vec<Outcome> {
    let ids: Vec<CommandId> = batch.outcomes.iter().map(|outcome| outcome.command).collect();
    store.outcomes(&ids).await.unwrap()
}

fn users(head: u64, count: usize) -> AppendBatch {
    batch(head, (0..count).map(|_| (fresh(), 1, user_created())).collect())
}

/// Nothing of this batch is there, and everything before it still is.
async fn wrote_nothing(store: &mut impl EventStore, before: &[EventRecord], batch: &AppendBatch) {
    assert_eq!(events(store).await, before);
    assert_eq!(store.head(P).await.unwrap(), before.len() as u64);
    assert_eq!(outcomes_of(store, batch).await, []);
}

/// See its name.
pub async fn positions_are_dense_and_events_come_back_as_they_were_written(
    stores: &impl EventStoreConnector,
) {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.head(P).await.unwrap(), 0);
    let batches = [users(0, 3), users(3, 1), users(4, 5)];
    for batch in &batches {
        stored(&mut store, batch).await;
    }
    let written: Vec<EventRecord> =
        batches.iter().flat_map(|batch| &batch.events).map(|event| event.record.clone()).collect();
    assert_eq!(events(&mut store).await, written);
    assert_eq!(store.head(P).await.unwrap(), 9);
    let some = store.events_after(P, 2, 4).await.unwrap();
    assert_eq!(some.iter().map(|event| event.position).collect::<Vec<_>>(), [3, 4, 5, 6]);
    let again = stores.open().await.unwrap().events_after(P, 0, 1000).await.unwrap();
    assert_eq!(again, written, "on another connection");
}

/// See its name.
pub async fn a_moved_head_writes_nothing(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    stored(&mut store, &users(0, 3)).await;
    let before = events(&mut store).await;
    for stale in [users(0, 1), users(2, 1), users(4, 1)] {
        assert_eq!(append(&mut store, &stale).await, AppendResult::HeadConflict);
        wrote_nothing(&mut store, &before, &stale).await;
    }
    stored(&mut store, &users(3, 1)).await;
}

/// See its name.
pub async fn a_version_that_is_there_writes_nothing(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (auction, bidder) = (fresh(), UserId(fresh()));
    stored(&mut store, &batch(0, vec![(auction, 1, auction_created(None))])).await;
    let before = events(&mut store).await;
    let late = batch(1, vec![(auction, 1, bid_placed(BidId(fresh()), bidder, 100))]);
    assert_eq!(append(&mut store, &late).await, AppendResult::HeadConflict);
    wrote_nothing(&mut store, &before, &late).await;
}

/// See its name.
pub async fn a_command_that_was_decided_before_writes_nothing(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (first, mut second) = (users(0, 1), users(1, 2));
    stored(&mut store, &first).await;
    let before = events(&mut store).await;
    let fresh_outcomes = second.outcomes.clone();
    second.outcomes.push(refusal(first.outcomes[0].command, 3));
    assert_eq!(append(&mut store, &second).await, AppendResult::DuplicateCommand);
    assert_eq!(outcomes_of(&mut store, &second).await, first.outcomes, "the first answer stays");
    second.outcomes = fresh_outcomes;
    wrote_nothing(&mut store, &before, &second).await;
    stored(&mut store, &second).await;
}

/// The same bid could be placed anew, since it is not the bidder's latest any more.
pub async fn a_bid_that_was_decided_before_and_deleted_since_is_decided_before(
    stores: &impl EventStoreConnector,
) {
    let mut store = stores.open().await.unwrap();
    let (auction, bidder, bid) = (fresh(), UserId(fresh()), BidId(fresh()));
    let deleted = Event::Auction(AuctionEvent::BidDeleted { bid, bidder });
    let events = vec![
        (auction, 1, auction_created(None)),
        (auction, 2, bid_placed(bid, bidder, 200)),
        (auction, 3, deleted),
    ];
    stored(&mut store, &batch(0, events)).await;
    let again = batch(3, vec![(auction, 4, bid_placed(bid, bidder, 200))]);
    assert_eq!(append(&mut store, &again).await, AppendResult::DuplicateCommand);
    assert_eq!(store.head(P).await.unwrap(), 3);
}

/// See its name.
pub async fn a_batch_of_refusals_alone_checks_the_head_too(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    stored(&mut store, &users(0, 2)).await;
    let before = events(&mut store).await;
    let mut refusals = batch(1, Vec::new());
    refusals.outcomes = vec![refusal(CommandId(fresh()), 1), refusal(CommandId(fresh()), 1)];
    assert_eq!(append(&mut store, &refusals).await, AppendResult::HeadConflict);
    wrote_nothing(&mut store, &before, &refusals).await;
    refusals.expected_head = 2;
    stored(&mut store, &refusals).await;
    assert_eq!(outcomes_of(&mut store, &refusals).await.len(), 2);
    assert_eq!(store.head(P).await.unwrap(), 2);
}

/// See its name.
pub async fn content_that_cannot_be_stored_is_rejected_and_writes_nothing(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    stored(&mut store, &users(0, 1)).await;
    let before = events(&mut store).await;
    let mut batch = users(1, 2);
    batch.outcomes[1].kind = "a\0b".to_owned();
    for _ in 0..2 {
        let appended = append(&mut store, &batch).await;
        assert!(matches!(appended, AppendResult::Rejected(_)), "{appended:?}");
        wrote_nothing(&mut store, &before, &batch).await;
    }
    batch.outcomes[1].kind = "ab".to_owned();
    stored(&mut store, &batch).await;
}

/// See its name.
pub async fn an_outcome_comes_back_as_it_was_written(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let mut batch = users(0, 1);
    batch.outcomes.push(refusal(CommandId(fresh()), 1));
    stored(&mut store, &batch).await;
    for outcome in &batch.outcomes {
        let found = store.outcomes(&[outcome.command, CommandId(fresh())]).await.unwrap();
        assert_eq!(found, std::slice::from_ref(outcome));
    }
}

/// See its name.
pub async fn unknown_deletions_write_nothing_until_they_are_known(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let (ada, bob, auction) = (fresh(), fresh(), fresh());
    let created =
        vec![(ada, 1, user_created()), (bob, 1, user_created()), (auction, 1, auction_created(None))];
    stored(&mut store, &batch(0, created)).await;
    let both = [UserId(ada), UserId(bob)];
    assert_eq!(store.active_users(&both).await.unwrap().len(), 2);
    stored(&mut store, &batch(3, vec![(ada, 2, user_deleted())])).await;
    assert_eq!(store.active_users(&both).await.unwrap(), [UserId(bob)]);
    let before = events(&mut store).await;
    let mut bid = batch(4, vec![(auction, 2, bid_placed(BidId(fresh()), UserId(bob), 200))]);
    assert_eq!(append(&mut store, &bid).await, AppendResult::StaleDeletions);
    wrote_nothing(&mut store, &before, &bid).await;
    let deletions = store.deletions_after(0).await.unwrap();
    assert_eq!(deletions.iter().map(|(_, user)| *user).collect::<Vec<_>>(), [UserId(ada)]);
    bid.known_deletions = deletions[0].0;
    stored(&mut store, &bid).await;
    assert_eq!(store.deletions_after(bid.known_deletions).await.unwrap(), []);
}

/// See its name.
pub async fn open_auctions_are_those_without_a_result(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.open_auctions(P).await.unwrap(), Default::default());
    let [open, ended, cancelled, closed, extended] = std::array::from_fn(|_| fresh());
    let created = [open, ended, cancelled, closed, extended].map(|key| (key, 1, auction_created(None)));
    stored(&mut store, &batch(0, created.into())).await;
    let because = auction_domain::auction::Unsold::NoBids;
    let ends_at = AT;
    let changes = vec![
        (ended, 2, Event::Auction(AuctionEvent::AuctionEnded { ends_at })),
        (cancelled, 2, Event::Auction(AuctionEvent::AuctionCancelled)),
        (closed, 2, Event::Auction(AuctionEvent::AuctionClosedUnsold { because })),
        (extended, 2, Event::Auction(AuctionEvent::AuctionExtended { ends_at: END })),
        (extended, 3, Event::Auction(AuctionEvent::AuctionExtended { ends_at })),
    ];
    stored(&mut store, &batch(5, changes)).await;
    let mut found = store.open_auctions(P).await.unwrap();
    found.auctions.sort();
    let mut expected = vec![(AuctionId(open), END), (AuctionId(ended), AT), (AuctionId(extended), AT)];
    expected.sort();
    assert_eq!((found.position, found.auctions), (10, expected));
    assert_eq!(store.open_auctions(PartitionId(1)).await.unwrap(), Default::default());
}

/// See its name.
pub async fn unrevealed_auctions_are_promoted_ones_until_their_seed_is_revealed(
    stores: &impl EventStoreConnector,
) {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.unrevealed_auctions(P).await.unwrap(), Default::default());
    let [plain, open, closed, revealed, at_once] = std::array::from_fn(|_| fresh());
    let because = auction_domain::auction::Unsold::NoBids;
    let is_closed = || Event::Auction(AuctionEvent::AuctionClosedUnsold { because });
    let is_revealed = || Event::Auction(AuctionEvent::SeedRevealed { seed: Seed([0; 32]) });
    let created = vec![
        (plain, 1, auction_created(None)),
        (open, 1, promoted_auction_created()),
        (closed, 1, promoted_auction_created()),
        (revealed, 1, promoted_auction_created()),
        // All in one batch.
        (at_once, 1, promoted_auction_created()),
        (at_once, 2, is_closed()),
        (at_once, 3, is_revealed()),
    ];
    stored(&mut store, &batch(0, created)).await;
    let changes = vec![(closed, 2, is_closed()), (revealed, 2, is_closed()), (revealed, 3, is_revealed())];
    stored(&mut store, &batch(7, changes)).await;
    let mut found = store.unrevealed_auctions(P).await.unwrap();
    found.auctions.sort();
    let mut expected = vec![AuctionId(open), AuctionId(closed)];
    expected.sort();
    assert_eq!((found.position, found.auctions), (10, expected));
    assert_eq!(store.unrevealed_auctions(PartitionId(1)).await.unwrap(), Default::default());
}

/// See its name.
pub async fn of_two_appends_at_once_one_wins(stores: &impl EventStoreConnector) {
    let (mut one, mut two) = (stores.open().await.unwrap(), stores.open().await.unwrap());
    for head in 0..20 {
        let (a, b) = (users(head, 1), users(head, 1));
        let (a_became, b_became) = tokio::join!(append(&mut one, &a), append(&mut two, &b));
        let (winner, loser) = match (a_became, b_became) {
            (AppendResult::Committed, AppendResult::HeadConflict) => (a, b),
            (AppendResult::HeadConflict, AppendResult::Committed) => (b, a),
            both => panic!("{both:?}"),
        };
        let last = one.events_after(P, head, 10).await.unwrap();
        assert_eq!(last, [winner.events[0].record.clone()]);
        assert_eq!(outcomes_of(&mut one, &loser).await, []);
    }
}

/// See its name.
pub async fn partitions_have_heads_of_their_own(stores: &impl EventStoreConnector) {
    let mut store = stores.open().await.unwrap();
    let mut elsewhere = users(0, 2);
    elsewhere.partition = PartitionId(1);
    elsewhere.outcomes.iter_mut().for_each(|outcome| outcome.partition = PartitionId(1));
    stored(&mut store, &users(0, 3)).await;
    stored(&mut store, &elsewhere).await;
    assert_eq!(store.head(P).await.unwrap(), 3);
    assert_eq!(store.head(PartitionId(1)).await.unwrap(), 2);
    assert_eq!(store.events_after(PartitionId(1), 0, 10).await.unwrap().len(), 2);
}

/// See its name.
pub async fn history_is_by_key_and_version_up_to_a_position(stores: &impl EventStoreConnector) {
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
    stored(&mut store, &batch(0, events)).await;
    let of = |events: Vec<EventRecord>| events.iter().map(|e| (e.key, e.version)).collect::<Vec<_>>();
    let found = store.history(&[auction, other], 4).await.unwrap();
    let mut expected = vec![(auction, 1), (auction, 2), (other, 1), (other, 2)];
    expected.sort();
    assert_eq!(of(found), expected);
    let found = store.history(&[auction], u64::MAX).await.unwrap();
    assert_eq!(of(found), [(auction, 1), (auction, 2), (auction, 3)]);
    assert_eq!(store.history(&[fresh()], u64::MAX).await.unwrap(), []);
}
