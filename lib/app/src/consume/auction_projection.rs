//! An auction with all that its views show.

use crate::ports::events::event_store::EventStore;
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::auction::{Auction, AuctionEvent, Unsold};
use auction_domain::{Description, Timestamp, Title};
use auction_wire::Event;
use lru::LruCache;
use std::num::NonZeroUsize;
use uuid::Uuid;

/// One auction as its views need it.
#[derive(Clone, Debug)]
pub struct AuctionProjection {
    /// What it is.
    pub title: Title,
    /// More about it.
    pub description: Description,
    /// When it was created.
    pub created_at: Timestamp,
    /// Why it was not sold.
    pub unsold: Option<Unsold>,
    /// The auction itself.
    pub auction: Auction,
}

impl AuctionProjection {
    /// Folds one event. `None` stands for an auction that does not exist yet.
    pub fn apply(board: &mut Option<AuctionProjection>, event: &AuctionEvent, at: Timestamp) {
        let Some(known) = board else {
            let mut auction = None;
            Auction::apply(&mut auction, event, at);
            if let (Some(auction), AuctionEvent::AuctionCreated { title, description, .. }) = (auction, event)
            {
                let (title, description) = (title.clone(), description.clone());
                *board =
                    Some(AuctionProjection { title, description, created_at: at, unsold: None, auction });
            }
            return;
        };
        if let AuctionEvent::AuctionClosedUnsold { because } = event {
            known.unsold = Some(*because);
        }
        known.auction.fold(event, at);
    }
}

/// A bounded cache of boards. More than its capacity stay for as long as one batch needs them.
pub struct ProjectionCache {
    cached: LruCache<Uuid, Option<AuctionProjection>>,
    capacity: NonZeroUsize,
}

impl ProjectionCache {
    /// Keeps at most so many, the most recently used.
    pub fn new(capacity: NonZeroUsize) -> ProjectionCache {
        ProjectionCache { cached: LruCache::unbounded(), capacity }
    }

    /// Makes sure that these are in memory, as of a position.
    pub async fn load(
        &mut self,
        store: &mut impl EventStore,
        keys: &[Uuid],
        position: u64,
    ) -> Result<(), LoadError> {
        let missing: Vec<Uuid> = keys.iter().copied().filter(|key| !self.cached.contains(key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for key in &missing {
            self.cached.put(*key, None);
        }
        for record in store.history(&missing, position).await? {
            if let Event::Auction(event) = read_event(&record)? {
                AuctionProjection::apply(self.get(record.key), &event, record.at);
            }
        }
        Ok(())
    }

    /// One that was loaded.
    pub fn get(&mut self, key: Uuid) -> &mut Option<AuctionProjection> {
        self.cached.get_or_insert_mut(key, || None)
    }

    /// Drops what was not used lately, down to the capacity.
    pub fn trim(&mut self) {
        while self.cached.len() > self.capacity.get() {
            self.cached.pop_lru();
        }
    }

    /// Drops everything.
    pub fn forget(&mut self) {
        self.cached.clear();
    }
}
