//! The event handler of the projector.

use super::render::{auction_view, bid_item, bidder_item, json, leader, list_item, list_key, user_view};
use crate::consume::auction_projection::{AuctionProjection, ProjectionCache};
use crate::consume::stored_events::{LoadError, read_event};
use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use crate::ports::views::read_models::{
    ListKey, ReadModelCommit, ReadModelConnector, ReadModelWrite, ReadModelWriter,
};
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::{AuctionId, BidId, Timestamp, UserId};
use auction_wire::{Event, EventRecord, PartitionId};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use uuid::Uuid;

/// Updates the read models of one partition.
pub struct Projector<V: ReadModelConnector> {
    stores: V,
    partition: PartitionId,
    views: Option<V::Store>,
    cache: ProjectionCache,
    position: u64,
}

/// Changes made by a batch of events.
#[derive(Default)]
struct Changes {
    auctions: BTreeMap<Uuid, ChangedAuction>,
    users: BTreeMap<Uuid, ChangedUser>,
}

struct ChangedAuction {
    /// The entry in the auction lists before the batch.
    old_key: Option<ListKey>,
    bids: BTreeSet<BidId>,
    /// Users whose first bid in this auction is in the batch.
    new_bidders: BTreeSet<UserId>,
}

#[derive(Default)]
struct ChangedUser {
    /// Set if the user was created in this batch.
    created_at: Option<Timestamp>,
    deleted: bool,
}

impl<V: ReadModelConnector> Projector<V> {
    /// Creates a projector that keeps about `cache_size` auctions in memory.
    pub fn new(stores: V, partition: PartitionId, cache_size: NonZeroUsize) -> Projector<V> {
        Projector { stores, partition, views: None, cache: ProjectionCache::new(cache_size), position: 0 }
    }

    async fn fold(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<Changes, LoadError> {
        self.cache.load(store, events, self.position).await?;
        let mut changes = Changes::default();
        for record in events {
            match read_event(record)? {
                Event::User(event) => {
                    let user = changes.users.entry(record.key).or_default();
                    match event {
                        UserEvent::UserCreated => user.created_at = Some(record.at),
                        UserEvent::UserDeleted => user.deleted = true,
                        UserEvent::NotificationPreferencesChanged(_) => {}
                    }
                }
                Event::Promoter(_) => {}
                Event::Auction(event) => {
                    let projection = self.cache.get(record.key);
                    let changed = changes.auctions.entry(record.key).or_insert_with(|| ChangedAuction {
                        old_key: list_key(projection),
                        bids: BTreeSet::new(),
                        new_bidders: BTreeSet::new(),
                    });
                    changed.bids.extend(changed_bids(&event).iter().copied());
                    changed.new_bidders.extend(new_bidder(projection.as_ref(), &event));
                    AuctionProjection::apply(projection, &event, record.at);
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
            let projection = self.cache.get(key);
            let new_key = list_key(projection);
            let Some(projection) = projection else { continue };
            render_auction(AuctionId(key), projection, new_key, &changed, &mut writes);
        }
        let created_before: Vec<Uuid> =
            changes.users.iter().filter(|(_, user)| user.created_at.is_none()).map(|(key, _)| *key).collect();
        if !created_before.is_empty() {
            for record in store.history(&created_before, self.position).await? {
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
        self.cache.clear();
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
            return Err(Unavailable::new("read models", "the connection is not open").into());
        };
        match views.commit(self.position, until, &writes).await? {
            ReadModelCommit::Done => {
                self.position = until;
                self.cache.trim();
                Ok(HandleResult::Done)
            }
            ReadModelCommit::CheckpointMoved => Ok(HandleResult::Conflict),
        }
    }
}

/// Adds the views of an auction that changed to `writes`.
fn render_auction(
    auction: AuctionId,
    projection: &AuctionProjection,
    new_key: Option<ListKey>,
    changed: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    writes.push(ReadModelWrite::Auction { auction, json: json(&auction_view(auction, projection)) });
    if let Some(old_key) = changed.old_key.filter(|old_key| Some(*old_key) != new_key) {
        writes.push(ReadModelWrite::RemoveFromAuctionList { auction, place: old_key });
    }
    if let Some(place) = new_key {
        let json = json(&list_item(auction, projection));
        let (status, leader) = (place.status, leader(projection));
        writes.push(ReadModelWrite::AuctionListEntry { auction, status, leader, json });
        if changed.old_key != new_key {
            writes.push(ReadModelWrite::AddToAuctionList { auction, place });
        }
    }
    writes.extend(
        changed.new_bidders.iter().map(|user| ReadModelWrite::AddToBidderAuctions { user: *user, auction }),
    );
    let mut bidders = BTreeSet::new();
    for bid in changed.bids.iter().filter_map(|bid| projection.auction.bid(*bid)) {
        bidders.insert(bid.bidder);
        // Every bid of the auction has a number.
        let number = projection.auction.bid_number(bid.id).unwrap_or_default();
        let json = json(&bid_item(auction, projection, bid));
        writes.push(ReadModelWrite::Bid { auction, number, bidder: bid.bidder, json });
    }
    for user in bidders {
        writes.push(ReadModelWrite::BidderAuctionEntry {
            user,
            auction,
            json: json(&bidder_item(projection, user)),
        });
    }
}

/// Returns the bidder if the event is their first bid in the auction.
fn new_bidder(projection: Option<&AuctionProjection>, event: &AuctionEvent) -> Option<UserId> {
    let AuctionEvent::BidPlaced { bidder, .. } = event else { return None };
    let before = projection.map_or(0, |projection| projection.auction.bids_of(*bidder).len());
    (before == 0).then_some(*bidder)
}

/// Returns the bids whose views change with this event.
pub fn changed_bids(event: &AuctionEvent) -> &[BidId] {
    match event {
        AuctionEvent::BidPlaced { bid, .. }
        | AuctionEvent::BidDeleted { bid, .. }
        | AuctionEvent::BidDoubled { bid, .. }
        | AuctionEvent::BidVoided { bid, .. } => std::slice::from_ref(bid),
        AuctionEvent::BidsRetracted { bids, .. } => bids,
        _ => &[],
    }
}
