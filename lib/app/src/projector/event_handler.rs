//! The event handler of the projector.

use super::views::auctions::ListPlace;
use super::views::{ChangedAuction, render_auction, render_user};
use crate::consume::auction_projection::{AuctionProjection, ProjectionCache};
use crate::consume::stored_events::{LoadError, read_event};
use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use crate::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelWrite, ReadModelWriter,
};
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::{AuctionId, BidId, Timestamp, UserId};
use auction_wire::{Event, EventRecord, PartitionId};
use std::collections::BTreeMap;
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
                Event::Promoter(_) | Event::Bar(_) => {}
                Event::Auction(event) => {
                    let projection = self.cache.get(record.key);
                    let changed = changes.auctions.entry(record.key).or_insert_with(|| ChangedAuction {
                        old_place: projection.as_ref().map(ListPlace::of),
                        ..ChangedAuction::default()
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
            let Some(projection) = self.cache.get(key) else { continue };
            render_auction(AuctionId(key), projection, &changed, &mut writes);
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
            let Some(created_at) = created_at else { continue };
            render_user(UserId(key), created_at, deleted, &mut writes);
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

/// Returns the bidder if the event is their first bid in the auction.
fn new_bidder(projection: Option<&AuctionProjection>, event: &AuctionEvent) -> Option<UserId> {
    let AuctionEvent::BidPlaced { bidder, .. } = event else { return None };
    let before = projection.map_or(0, |projection| projection.auction.bids_of(*bidder).len());
    (before == 0).then_some(*bidder)
}

/// Returns the bids whose views change with this event.
pub fn changed_bids(event: &AuctionEvent) -> &[BidId] {
    match event {
        AuctionEvent::BidPlaced { bid, .. } => std::slice::from_ref(bid),
        _ => event.changed_bids().map_or(&[], |(bids, _)| bids),
    }
}
