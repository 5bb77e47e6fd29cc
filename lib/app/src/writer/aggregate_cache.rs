//! Cache of aggregates, as of the head of the decider.

use super::snapshots::{SnapshotPolicy, SnapshotProgress};
use crate::consume::stored_events::{LoadError, read_event};
use crate::ports::events::event_store::{AggregateHistory, EventStore};
use auction_domain::Timestamp;
use auction_domain::auction::{Auction, AuctionState};
use auction_domain::promoter::PromoterSettings;
use auction_domain::user::User;
use auction_domain::user_bar::UserBar;
use auction_wire::{CommandBody, Event};
use lru::LruCache;
use std::num::NonZeroUsize;
use uuid::Uuid;

/// State of the aggregate with one id: a user, an auction, the promoter's settings, a bar, or nothing yet.
#[derive(Clone, Debug, Default)]
pub struct Aggregate {
    pub user: Option<User>,
    pub auction: Option<Auction>,
    pub promoter: Option<PromoterSettings>,
    pub bar: Option<UserBar>,
    /// Size of the auction, and of the events since its last snapshot.
    progress: SnapshotProgress,
}

impl Aggregate {
    /// Folds one event into the state.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::User(event) => User::apply(&mut self.user, event),
            Event::Auction(event) => Auction::apply(&mut self.auction, event, at),
            Event::Promoter(event) => PromoterSettings::apply(&mut self.promoter, event),
            Event::Bar(event) => UserBar::apply(&mut self.bar, event),
        }
    }

    /// Returns whether this is an aggregate of another kind than the one that the command is for.
    pub(super) fn is_other_than(&self, command: &CommandBody) -> bool {
        let kinds =
            [self.user.is_some(), self.auction.is_some(), self.promoter.is_some(), self.bar.is_some()];
        let own = match command {
            CommandBody::User(_) => 0,
            CommandBody::Auction(_) => 1,
            CommandBody::Promoter(_) => 2,
            CommandBody::Bar(_) => 3,
        };
        kinds.iter().enumerate().any(|(kind, exists)| *exists && kind != own)
    }

    /// Counts an event of `bytes` bytes towards the next snapshot.
    pub(super) fn count_event(&mut self, bytes: usize) {
        self.progress.add(bytes);
    }

    /// Returns whether this is an auction that needs a new snapshot.
    pub(super) fn is_snapshot_due(&self, policy: SnapshotPolicy) -> bool {
        self.auction.is_some() && self.progress.is_due(policy)
    }

    /// Returns the state of an auction for a snapshot, and resets the snapshot progress.
    pub(super) fn take_snapshot(&mut self) -> Option<AuctionState> {
        self.progress.reset();
        self.auction.as_ref().map(Auction::state)
    }

    /// Returns the number of events of the aggregate.
    pub fn version(&self) -> u64 {
        let user = self.user.as_ref().map(User::version);
        let auction = self.auction.as_ref().map(Auction::version);
        let promoter = self.promoter.as_ref().map(PromoterSettings::version);
        let bar = self.bar.as_ref().map(UserBar::version);
        user.or(auction).or(promoter).or(bar).unwrap_or_default()
    }
}

/// Bounded cache of aggregates. It may exceed its capacity while a batch is decided.
pub struct AggregateCache {
    cached: LruCache<Uuid, Aggregate>,
    capacity: NonZeroUsize,
}

impl AggregateCache {
    /// Creates an empty cache that keeps the `capacity` most recently used aggregates.
    pub fn new(capacity: NonZeroUsize) -> AggregateCache {
        AggregateCache { cached: LruCache::unbounded(), capacity }
    }

    /// Loads the aggregates that are not in memory, from their snapshots and the events after them. Without a
    /// readable snapshot, all events of the aggregate are loaded.
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
                    let progress = SnapshotProgress::of(&snapshot);
                    self.cached.put(
                        snapshot.key,
                        Aggregate { auction: Some(auction), progress, ..Aggregate::default() },
                    );
                }
                Err(error) => {
                    tracing::warn!(key = %snapshot.key, version = snapshot.version, %error, "unreadable snapshot ignored");
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
            aggregate.count_event(record.body.len());
        }
        Ok(())
    }

    /// Returns an aggregate that was loaded.
    pub fn get(&mut self, key: Uuid) -> &mut Aggregate {
        self.cached.get_or_insert_mut(key, Aggregate::default)
    }

    /// Drops the least recently used entries above the capacity. The last `unstored` ones stay, since the
    /// store may not have their events yet.
    pub fn trim(&mut self, unstored: usize) {
        while self.cached.len() > self.capacity.get().max(unstored) {
            self.cached.pop_lru();
        }
    }

    /// Removes an aggregate whose state is uncertain after a failed append.
    pub fn remove(&mut self, key: Uuid) {
        self.cached.pop(&key);
    }
}
