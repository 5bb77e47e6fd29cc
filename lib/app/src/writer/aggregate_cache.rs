//! Users and auctions in memory, as of the head of the lane.

use super::snapshots::{SnapshotPolicy, SnapshotProgress};
use crate::ports::Unavailable;
use crate::ports::events::event_store::{AggregateHistory, EventStore};
use auction_domain::Timestamp;
use auction_domain::auction::{Auction, AuctionState};
use auction_domain::promoter::PromoterSettings;
use auction_domain::user::User;
use auction_wire::{DecodeError, Event, EventRecord};
use lru::LruCache;
use std::num::NonZeroUsize;
use thiserror::Error;
use uuid::Uuid;

/// What bears one id: a user, an auction, or nothing yet.
#[derive(Clone, Debug, Default)]
pub struct Aggregate {
    /// If it is a user.
    pub user: Option<User>,
    /// If it is an auction.
    pub auction: Option<Auction>,
    /// If it is the promoter's settings.
    pub promoter: Option<PromoterSettings>,
    /// How far its last snapshot is behind.
    growth: SnapshotProgress,
}

impl Aggregate {
    /// Folds one event into the state.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::User(event) => User::apply(&mut self.user, event),
            Event::Auction(event) => Auction::apply(&mut self.auction, event, at),
            Event::Promoter(event) => PromoterSettings::apply(&mut self.promoter, event),
        }
    }

    /// The event that was folded last takes so many bytes.
    pub(super) fn grew(&mut self, bytes: usize) {
        self.growth.add(bytes);
    }

    /// Whether it is an auction that has grown enough since its last snapshot.
    pub(super) fn is_due(&self, rules: SnapshotPolicy) -> bool {
        self.auction.is_some() && self.growth.is_due(rules)
    }

    /// Its state, for a snapshot.
    pub(super) fn snapshot(&mut self) -> Option<AuctionState> {
        self.growth.kept();
        self.auction.as_ref().map(Auction::memento)
    }

    /// How many events there have been.
    pub fn version(&self) -> u64 {
        match (&self.user, &self.auction, &self.promoter) {
            (Some(user), ..) => user.version(),
            (_, Some(auction), _) => auction.version(),
            (.., Some(settings)) => settings.version(),
            (None, None, None) => 0,
        }
    }
}

/// Why aggregates could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The store.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is stored was written by a newer program, or damaged.
    #[error("event {version} of {key} cannot be read: {error}")]
    Unreadable {
        /// Of which user or auction.
        key: Uuid,
        /// Which of its events.
        version: u64,
        /// Why.
        error: DecodeError,
    },
}

/// Reads the body of a stored event.
pub fn read_event(record: &EventRecord) -> Result<Event, LoadError> {
    record.event().map_err(|error| LoadError::Unreadable { key: record.key, version: record.version, error })
}

/// A bounded cache of aggregates. More than its capacity stay for as long as one batch needs them.
pub struct AggregateCache {
    cached: LruCache<Uuid, Aggregate>,
    capacity: NonZeroUsize,
}

impl AggregateCache {
    /// Keeps at most so many, the most recently used.
    pub fn new(capacity: NonZeroUsize) -> AggregateCache {
        AggregateCache { cached: LruCache::unbounded(), capacity }
    }

    /// Makes sure that these are in memory: what is missing is read from its snapshot and the events behind
    /// it. A snapshot that cannot be read is as good as none.
    pub async fn load(&mut self, store: &mut impl EventStore, keys: &[Uuid]) -> Result<(), LoadError> {
        let missing: Vec<Uuid> = keys.iter().copied().filter(|key| !self.cached.contains(key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for key in &missing {
            self.cached.put(*key, Aggregate::default());
        }
        let AggregateHistory { snapshots, mut events } =
            store.history_since_snapshot(&missing, u64::MAX).await?;
        let mut unreadable = Vec::new();
        for snapshot in snapshots {
            match snapshot.auction() {
                Ok(auction) => {
                    let growth = SnapshotProgress::of(&snapshot);
                    self.cached.put(
                        snapshot.key,
                        Aggregate { auction: Some(auction), growth, ..Aggregate::default() },
                    );
                }
                Err(error) => {
                    tracing::warn!(key = %snapshot.key, version = snapshot.version, %error, "a snapshot is passed over");
                    unreadable.push(snapshot.key);
                }
            }
        }
        if !unreadable.is_empty() {
            events.retain(|event| !unreadable.contains(&event.key));
            events.extend(store.history(&unreadable, u64::MAX).await?);
        }
        for record in events {
            let event = read_event(&record)?;
            let aggregate = self.get(record.key);
            aggregate.apply(&event, record.at);
            aggregate.grew(record.body.len());
        }
        Ok(())
    }

    /// One that was loaded.
    pub fn get(&mut self, key: Uuid) -> &mut Aggregate {
        self.cached.get_or_insert_mut(key, Aggregate::default)
    }

    /// Drops what was not used lately, down to the capacity; but the last `unstored` stay, which the store may not
    /// have yet.
    pub fn trim(&mut self, unstored: usize) {
        while self.cached.len() > self.capacity.get().max(unstored) {
            self.cached.pop_lru();
        }
    }

    /// Drops one: it is not known any more whether it is true.
    pub fn forget(&mut self, key: Uuid) {
        self.cached.pop(&key);
    }
}
