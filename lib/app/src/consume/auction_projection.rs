//! State of an auction with everything that its read models show.

use crate::consume::stored_events::{LoadError, read_event};
use crate::ports::events::event_store::EventStore;
use auction_domain::auction::{Auction, AuctionEvent, UnsoldReason};
use auction_domain::{Description, Timestamp, Title};
use auction_wire::{Event, EventRecord};
use lru::LruCache;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use uuid::Uuid;

/// State of one auction, from which its read models are rendered.
#[derive(Clone, Debug)]
pub struct AuctionProjection {
    pub title: Title,
    pub description: Description,
    pub created_at: Timestamp,
    pub unsold: Option<UnsoldReason>,
    pub auction: Auction,
}

impl AuctionProjection {
    /// Applies one event. `None` is an auction that does not exist yet.
    pub fn apply(projection: &mut Option<AuctionProjection>, event: &AuctionEvent, at: Timestamp) {
        let Some(known) = projection else {
            let mut auction = None;
            Auction::apply(&mut auction, event, at);
            if let (Some(auction), AuctionEvent::AuctionCreated { title, description, .. }) = (auction, event)
            {
                let (title, description) = (title.clone(), description.clone());
                *projection =
                    Some(AuctionProjection { title, description, created_at: at, unsold: None, auction });
            }
            return;
        };
        if let AuctionEvent::AuctionClosedUnsold { reason } = event {
            known.unsold = Some(*reason);
        }
        known.auction.fold(event, at);
    }
}

/// Least-recently-used cache of projections. Exceeds its capacity while one batch needs more.
pub struct ProjectionCache {
    cached: LruCache<Uuid, Option<AuctionProjection>>,
    capacity: NonZeroUsize,
}

impl ProjectionCache {
    pub fn new(capacity: NonZeroUsize) -> ProjectionCache {
        ProjectionCache { cached: LruCache::unbounded(), capacity }
    }

    /// Loads the projections of the next events after `position`, as they were before the first event.
    ///
    /// The first event of a resumed parked aggregate is older than the position.
    pub async fn load(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        position: u64,
    ) -> Result<(), LoadError> {
        let keys: BTreeSet<Uuid> = events.iter().map(|event| event.key).collect();
        let missing: Vec<Uuid> = keys.into_iter().filter(|key| !self.cached.contains(key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for key in &missing {
            self.cached.put(*key, None);
        }
        let before = events.first().map_or(position, |event| event.position - 1);
        for record in store.history(&missing, before).await? {
            if let Event::Auction(event) = read_event(&record)? {
                AuctionProjection::apply(self.get(record.key), &event, record.at);
            }
        }
        Ok(())
    }

    /// Returns a projection that was loaded before.
    pub fn get(&mut self, key: Uuid) -> &mut Option<AuctionProjection> {
        self.cached.get_or_insert_mut(key, || None)
    }

    /// Drops the least recently used projections down to the capacity.
    pub fn trim(&mut self) {
        while self.cached.len() > self.capacity.get() {
            self.cached.pop_lru();
        }
    }

    pub fn clear(&mut self) {
        self.cached.clear();
    }
}
