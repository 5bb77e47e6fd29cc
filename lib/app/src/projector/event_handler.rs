//! The projector of one partition.

use super::render::{auction_view, bid_item, bidder_item, json, leader, list_item, list_place, user_view};
use crate::consume::auction_projection::{AuctionProjection, ProjectionCache};
use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use crate::ports::views::read_models::{
    ListKey, ReadModelCommit, ReadModelConnector, ReadModelWrite, ReadModelWriter,
};
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::{AuctionId, BidId, Timestamp, UserId};
use auction_wire::{Event, EventRecord, PartitionId};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use uuid::Uuid;

/// Keeps the views of one partition.
pub struct Projector<V: ReadModelConnector> {
    stores: V,
    partition: PartitionId,
    views: Option<V::Store>,
    boards: ProjectionCache,
    position: u64,
}

/// What a batch changes.
#[derive(Default)]
struct Changes {
    auctions: BTreeMap<Uuid, ChangedAuction>,
    users: BTreeMap<Uuid, ChangedUser>,
}

/// An auction in a batch.
struct ChangedAuction {
    /// Where it was listed before.
    listed: Option<ListKey>,
    /// Which of its bids changed, each once.
    bids: BTreeSet<BidId>,
    /// Who had not bid in it before.
    joined: BTreeSet<UserId>,
}

/// A user in a batch.
#[derive(Default)]
struct ChangedUser {
    /// If it was in this batch.
    created_at: Option<Timestamp>,
    deleted: bool,
}

impl<V: ReadModelConnector> Projector<V> {
    /// Keeps at most `boards` auctions in memory.
    pub fn new(stores: V, partition: PartitionId, boards: NonZeroUsize) -> Projector<V> {
        Projector { stores, partition, views: None, boards: ProjectionCache::new(boards), position: 0 }
    }

    async fn fold(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<Changes, LoadError> {
        let mut keys: Vec<Uuid> = events.iter().map(|event| event.key).collect();
        keys.sort_unstable();
        keys.dedup();
        // Before the first of them; of what was parked, before the first that was not handled.
        let before = events.first().map_or(self.position, |event| event.position - 1);
        self.boards.load(store, &keys, before).await?;
        let mut changes = Changes::default();
        for record in events {
            match read_event(record)? {
                Event::User(event) => {
                    let user = changes.users.entry(record.key).or_default();
                    match event {
                        UserEvent::UserCreated => user.created_at = Some(record.at),
                        UserEvent::UserDeleted => user.deleted = true,
                        UserEvent::SubscriptionsChanged(_) => {}
                    }
                }
                Event::Promoter(_) => {}
                Event::Auction(event) => {
                    let board = self.boards.get(record.key);
                    let changed = changes.auctions.entry(record.key).or_insert_with(|| ChangedAuction {
                        listed: list_place(board),
                        bids: BTreeSet::new(),
                        joined: BTreeSet::new(),
                    });
                    changed.bids.extend(bids_of(&event).iter().copied());
                    changed.joined.extend(joins(board.as_ref(), &event));
                    AuctionProjection::apply(board, &event, record.at);
                }
            }
        }
        Ok(changes)
    }

    async fn render(
        &mut self,
        store: &mut impl EventStore,
        mut changes: Changes,
    ) -> Result<Vec<ReadModelWrite>, LoadError> {
        let mut writes = Vec::new();
        for (key, changed) in std::mem::take(&mut changes.auctions) {
            let board = self.boards.get(key);
            let place = list_place(board);
            let Some(board) = board else { continue };
            render_auction(AuctionId(key), board, place, &changed, &mut writes);
        }
        let before: Vec<Uuid> =
            changes.users.iter().filter(|(_, user)| user.created_at.is_none()).map(|(key, _)| *key).collect();
        if !before.is_empty() {
            for record in store.history(&before, self.position).await? {
                if let Some(user) = changes.users.get_mut(&record.key).filter(|_| record.version == 1) {
                    user.created_at = Some(record.at);
                }
            }
        }
        for (key, ChangedUser { created_at, deleted }) in changes.users {
            let (user, Some(created_at)) = (UserId(key), created_at) else { continue };
            writes.push(ReadModelWrite::User { user, json: json(&user_view(user, created_at, deleted)) });
        }
        Ok(writes)
    }
}

impl<V: ReadModelConnector> EventHandler for Projector<V> {
    async fn load_checkpoint(&mut self, _: &mut impl EventStore) -> Result<u64, LoadError> {
        self.boards.forget();
        let mut views = self.stores.open(self.partition).await?;
        self.position = views.checkpoint().await?;
        self.views = Some(views);
        Ok(self.position)
    }

    async fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<HandleResult, LoadError> {
        let changes = self.fold(store, events).await?;
        let writes = self.render(store, changes).await?;
        let Some(views) = &mut self.views else {
            return Err(Unavailable::new("redis", "the views were not opened").into());
        };
        match views.commit(self.position, until, &writes).await? {
            ReadModelCommit::Done => {
                self.position = until;
                self.boards.trim();
                Ok(HandleResult::Done)
            }
            ReadModelCommit::CheckpointMoved => Ok(HandleResult::Conflict),
        }
    }
}

/// All views of an auction that changed, each once.
fn render_auction(
    auction: AuctionId,
    board: &AuctionProjection,
    place: Option<ListKey>,
    changed: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    writes.push(ReadModelWrite::Auction { auction, json: json(&auction_view(auction, board)) });
    if let Some(before) = changed.listed.filter(|before| Some(*before) != place) {
        writes.push(ReadModelWrite::RemoveFromAuctionList { auction, place: before });
    }
    if let Some(place) = place {
        let (status, leader, json) = (place.status, leader(board), json(&list_item(auction, board)));
        writes.push(ReadModelWrite::AuctionListEntry { auction, status, leader, json });
        if changed.listed != Some(place) {
            writes.push(ReadModelWrite::AddToAuctionList { auction, place });
        }
    }
    writes.extend(
        changed.joined.iter().map(|user| ReadModelWrite::AddToBidderAuctions { user: *user, auction }),
    );
    let mut bidders = BTreeSet::new();
    for bid in changed.bids.iter().filter_map(|bid| board.auction.bid(*bid)) {
        bidders.insert(bid.bidder);
        // It is one of the auction's own.
        let number = board.auction.number_of(bid.id).unwrap_or_default();
        let json = json(&bid_item(auction, board, bid));
        writes.push(ReadModelWrite::Bid { auction, number, bidder: bid.bidder, json });
    }
    for user in bidders {
        writes.push(ReadModelWrite::BidderAuctionEntry {
            user,
            auction,
            json: json(&bidder_item(board, user)),
        });
    }
}

/// Who bids there for the first time.
fn joins(board: Option<&AuctionProjection>, event: &AuctionEvent) -> Option<UserId> {
    let AuctionEvent::BidPlaced { bidder, .. } = event else { return None };
    let before = board.map_or(0, |board| board.auction.bids_of(*bidder).len());
    (before == 0).then_some(*bidder)
}

/// Which bids look different after it.
pub fn bids_of(event: &AuctionEvent) -> &[BidId] {
    match event {
        AuctionEvent::BidPlaced { bid, .. }
        | AuctionEvent::BidDeleted { bid, .. }
        | AuctionEvent::BidDoubled { bid, .. }
        | AuctionEvent::BidVoided { bid, .. } => std::slice::from_ref(bid),
        AuctionEvent::BidsRetracted { bids, .. } => bids,
        _ => &[],
    }
}
