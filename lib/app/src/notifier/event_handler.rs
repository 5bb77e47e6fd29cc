//! The notifier of one partition.

use super::leading_bid::LeadingBid;
use super::pending::PendingNotifications;
use crate::consume::stored_events::{LoadError, read_event};
use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use crate::ports::notifications::notification_store::{
    NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use crate::ports::notifications::placement::PlacementAnnouncer;
use crate::projector::{AuctionProjection, ProjectionCache};
use auction_domain::UserId;
use auction_wire::{Event, EventRecord, PartitionCount, PartitionId};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::Instant;

/// Configuration of a notifier.
#[derive(Clone, Copy, Debug)]
pub struct NotifierConfig {
    /// Time to linger after each batch, so that the next batch contains more changes.
    pub interval: Duration,
    /// Maximum number of events in a batch. After a full batch there is no linger.
    pub batch: NonZeroUsize,
    /// Maximum number of cached auctions.
    pub auctions: NonZeroUsize,
    /// Number of partitions of the users.
    pub partitions: PartitionCount,
}

/// Event handler that creates and stores the notifications of one partition.
pub struct Notifier<N: NotificationStoreConnector, A> {
    stores: N,
    announcer: A,
    partition: PartitionId,
    config: NotifierConfig,
    store: Option<N::Store>,
    projections: ProjectionCache,
    position: u64,
    /// End of the linger.
    linger_until: Option<Instant>,
}

impl<N: NotificationStoreConnector, A: PlacementAnnouncer> Notifier<N, A> {
    pub fn new(stores: N, announcer: A, partition: PartitionId, config: NotifierConfig) -> Notifier<N, A> {
        let projections = ProjectionCache::new(config.auctions);
        Notifier {
            stores,
            announcer,
            partition,
            config,
            store: None,
            projections,
            position: 0,
            linger_until: None,
        }
    }

    async fn fold(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<PendingNotifications, LoadError> {
        self.projections.load(store, events, self.position).await?;
        let mut pending = PendingNotifications::default();
        for record in events {
            match read_event(record)? {
                Event::User(event) => pending.user(UserId(record.key), &event),
                Event::Promoter(_) | Event::Bar(_) => {}
                Event::Auction(event) => {
                    let projection = self.projections.get(record.key);
                    let before =
                        projection.as_ref().and_then(|projection| LeadingBid::of(&projection.auction));
                    AuctionProjection::apply(projection, &event, record.at);
                    if let Some(projection) = projection {
                        pending.auction(self.partition, record, &event, before, projection);
                    }
                }
            }
        }
        Ok(pending)
    }
}

impl<N: NotificationStoreConnector, A: PlacementAnnouncer> EventHandler for Notifier<N, A> {
    async fn load_checkpoint(&mut self, _: &mut impl EventStore) -> Result<u64, LoadError> {
        self.projections.clear();
        self.linger_until = None;
        let mut store = self.stores.open().await?;
        self.position = store.checkpoint(self.partition).await?;
        // Notifications up to the checkpoint are stored, and may never have been announced.
        let users: Vec<PartitionId> = self.config.partitions.all().collect();
        self.announcer.announce(&users).await?;
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
        let batch = pending.into_batch(self.partition, (self.position, until), &mut self.projections);
        let Some(notifications) = &mut self.store else {
            return Err(Unavailable::new("notification store", "the connection is not open").into());
        };
        let NotificationCommit::Done(users) = notifications.commit(&batch).await? else {
            return Ok(HandleResult::Conflict);
        };
        // The batch is stored and will not be created again. If the announcement fails, the consumer restarts
        // and announces to all.
        self.position = until;
        self.projections.trim();
        if !users.is_empty() {
            self.announcer.announce(&users.into_iter().collect::<Vec<_>>()).await?;
        }
        let more = events.len() >= self.config.batch.get();
        self.linger_until = (!more).then(|| Instant::now() + self.config.interval);
        Ok(HandleResult::Done)
    }

    fn linger(&self) -> Duration {
        self.linger_until.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }
}
