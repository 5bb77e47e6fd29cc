//! The notifier of one partition.

use super::leading_bid::LeadingBid;
use super::pending::PendingNotifications;
use crate::consume::{EventHandler, HandleResult};
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use crate::ports::notifications::notification_sink::NotificationSink;
use crate::ports::notifications::notification_store::{
    NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use crate::projector::{AuctionProjection, ProjectionCache};
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::UserId;
use auction_wire::{Event, EventRecord, PartitionId};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How much a notifier does at once.
#[derive(Clone, Copy, Debug)]
pub struct NotifierConfig {
    /// How long events gather after each telling.
    pub interval: Duration,
    /// Events that are told in one go: when there are so many, more are waiting.
    pub batch: NonZeroUsize,
    /// Auctions in memory.
    pub auctions: NonZeroUsize,
}

/// Tells the events of one partition.
pub struct Notifier<N: NotificationStoreConnector, D> {
    stores: N,
    delivery: D,
    partition: PartitionId,
    limits: NotifierConfig,
    store: Option<N::Store>,
    boards: ProjectionCache,
    position: u64,
    /// Events are left to gather until then.
    next: Option<Instant>,
}

impl<N: NotificationStoreConnector, D: NotificationSink> Notifier<N, D> {
    /// Of that partition.
    pub fn new(stores: N, delivery: D, partition: PartitionId, limits: NotifierConfig) -> Notifier<N, D> {
        let boards = ProjectionCache::new(limits.auctions);
        Notifier { stores, delivery, partition, limits, store: None, boards, position: 0, next: None }
    }

    async fn fold(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<PendingNotifications, LoadError> {
        let mut keys: Vec<Uuid> = events.iter().map(|event| event.key).collect();
        keys.sort_unstable();
        keys.dedup();
        // Before the first of them; of what was parked, before the first that was not handled.
        let before = events.first().map_or(self.position, |event| event.position - 1);
        self.boards.load(store, &keys, before).await?;
        let mut pending = PendingNotifications::default();
        for record in events {
            match read_event(record)? {
                Event::User(event) => pending.user(UserId(record.key), &event),
                Event::Promoter(_) => {}
                Event::Auction(event) => {
                    let board = self.boards.get(record.key);
                    let before = board.as_ref().and_then(|board| LeadingBid::of(&board.auction));
                    AuctionProjection::apply(board, &event, record.at);
                    if let Some(board) = board {
                        pending.auction(self.partition, record, &event, before, board);
                    }
                }
            }
        }
        Ok(pending)
    }
}

impl<N: NotificationStoreConnector, D: NotificationSink> EventHandler for Notifier<N, D> {
    async fn load_checkpoint(&mut self, _: &mut impl EventStore) -> Result<u64, LoadError> {
        self.boards.forget();
        self.next = None;
        let mut store = self.stores.open().await?;
        self.position = store.checkpoint(self.partition).await?;
        // After the checkpoint was read: whatever is up to it is stored, and delivered or made up for.
        self.delivery.begin().await?;
        self.store = Some(store);
        Ok(self.position)
    }

    async fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<HandleResult, LoadError> {
        let pending = self.fold(store, events).await?;
        let telling = pending.into_batch(self.partition, (self.position, until), &mut self.boards);
        let Some(notifications) = &mut self.store else {
            return Err(Unavailable::new("postgres", "the notifications were not opened").into());
        };
        let NotificationCommit::Done(wanted) = notifications.commit(&telling).await? else {
            return Ok(HandleResult::Conflict);
        };
        // From here on they are not made again. If they cannot be delivered, this begins again.
        self.position = until;
        self.boards.trim();
        if !wanted.is_empty() {
            self.delivery.deliver(&wanted).await?;
            instrumentation::notified(self.partition, wanted.len());
        }
        let more = events.len() >= self.limits.batch.get();
        self.next = (!more).then(|| Instant::now() + self.limits.interval);
        Ok(HandleResult::Done)
    }

    fn linger(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }
}
