//! Auctions whose end has come are closed.
//!
//! One [`Schedule`] holds the end of every open auction, kept by a [`Watch`] on each partition's events;
//! [`run`] sends `CloseAuction` when an end has come by the clock of Redis, which also decides. The
//! auction derives the winner. A close that does not show in the events is sent again, under another id:
//! a refusal as too early must not be the answer for ever, nor that of another auctioneer, whose clock may
//! be another. An auction that is closed refuses to be closed once more.
//!
//! What follows from deleted users ([`crate::auctioneer::user_deletion`]) is sent in the same loop, and always before closes:
//! a close cannot overtake the retraction of a bid whose bidder was deleted before the close was sent.

mod schedule;

pub use schedule::ClosingSchedule;

use crate::auctioneer::user_deletion::run_user_deletion;
use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::events::event_store::EventStore;
use crate::ports::people::accounts::PersonalDataErasure;
use crate::ports::people::tokens::Revocations;
use crate::ports::people::user_deletions::UserDeletions;
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::auction::{AuctionCommand, AuctionEvent, CloseAuction};
use auction_domain::user::UserEvent;
use auction_domain::{Actor, AuctionId, Timestamp};
use auction_wire::{Command, CommandBody, CommandId, Event, EventRecord, PartitionId};
use futures_util::future::try_join_all;
use schedule::DueClose;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Namespace of the ids of closing commands.
const CLOSING: Uuid = Uuid::from_u128(0x1f6a_7c55_8e0b_5d9c_8f43_91b0_7a1e_4c02);

/// So many closes are sent at once.
const CHUNK: usize = 500;

/// How long nothing has to be due for the clock to be asked again all the same.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Keeps the schedule true to one partition's events, until it is dropped.
pub struct ClosingHandler {
    partition: PartitionId,
    schedule: Arc<ClosingSchedule>,
    departed: Arc<Notify>,
}

impl ClosingHandler {
    /// Of that partition. `departed` is told when a user was deleted, or what one left was taken away.
    pub fn new(
        partition: PartitionId,
        schedule: Arc<ClosingSchedule>,
        departed: Arc<Notify>,
    ) -> ClosingHandler {
        ClosingHandler { partition, schedule, departed }
    }

    fn see(&self, auction: AuctionId, event: &Event) {
        match event {
            Event::User(UserEvent::UserDeleted) => self.departed.notify_one(),
            Event::Auction(event) => self.see_auction(auction, event),
            _ => {}
        }
    }

    fn see_auction(&self, auction: AuctionId, event: &AuctionEvent) {
        match event {
            AuctionEvent::AuctionCreated { terms, .. } => {
                self.schedule.ends(self.partition, auction, terms.ends_at);
            }
            AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at } => {
                self.schedule.ends(self.partition, auction, *ends_at);
            }
            AuctionEvent::AuctionCancelled => {
                self.schedule.is_final(auction);
                self.departed.notify_one();
            }
            AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. } => {
                self.schedule.is_final(auction);
            }
            AuctionEvent::BidsRetracted { .. } => self.departed.notify_one(),
            _ => {}
        }
    }
}

/// Whoever follows the partition from now on closes its auctions.
impl Drop for ClosingHandler {
    fn drop(&mut self) {
        self.schedule.begin(self.partition, Vec::new());
    }
}

impl EventHandler for ClosingHandler {
    async fn load_checkpoint(&mut self, store: &mut impl EventStore) -> Result<u64, LoadError> {
        let open = store.open_auctions(self.partition).await?;
        self.schedule.begin(self.partition, open.auctions);
        Ok(open.position)
    }

    async fn handle(
        &mut self,
        _: &mut impl EventStore,
        events: &[EventRecord],
        _: u64,
    ) -> Result<HandleResult, LoadError> {
        for record in events {
            self.see(AuctionId(record.key), &read_event(record)?);
        }
        Ok(HandleResult::Done)
    }
}

/// Sends what is due until it is time to stop. `departed` is what the watches tell.
pub async fn run(
    queue: &impl CommandQueue,
    deletions: &(impl UserDeletions + PersonalDataErasure),
    revocations: &impl Revocations,
    schedule: &ClosingSchedule,
    departed: &Notify,
    health: &HealthHandle,
    mut stop: ShutdownSignal,
) {
    let mut retry = Retry::default();
    let sender = Uuid::new_v4();
    // When it was looked last what deleted users left; none: it is to be looked now.
    let mut looked: Option<Instant> = None;
    while !stop.requested() {
        looked = looked.filter(|looked| looked.elapsed() < LOOK_AGAIN);
        let wait = match send_due(queue, deletions, revocations, schedule, sender, &mut looked).await {
            Ok(wait) => {
                retry.succeeded();
                health.set_up();
                wait
            }
            Err(error) => {
                tracing::warn!(%error, "closing waits");
                let wait = retry.next_wait();
                health.set_waiting(&error, retry.attempts());
                wait
            }
        };
        tokio::select! {
            () = stop.wait() => {}
            () = schedule.changed() => {}
            () = departed.notified() => looked = None,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Sends a close for everything that is due, and before that what has to follow from deleted users. Returns
/// how long nothing else will be due.
async fn send_due(
    queue: &impl CommandQueue,
    deletions: &(impl UserDeletions + PersonalDataErasure),
    revocations: &impl Revocations,
    schedule: &ClosingSchedule,
    sender: Uuid,
    looked: &mut Option<Instant>,
) -> Result<Duration, Unavailable> {
    let now = queue.now().await?;
    let due = schedule.due(now);
    if looked.is_none() || !due.is_empty() {
        let began = Instant::now();
        run_user_deletion(queue, deletions, revocations).await?;
        *looked = Some(began);
    }
    if due.is_empty() {
        return Ok(schedule.next().map_or(LOOK_AGAIN, |next| until(now, next).min(LOOK_AGAIN)));
    }
    // A chunk at a time, each in one flush of the queue.
    for chunk in due.chunks(CHUNK) {
        try_join_all(chunk.iter().map(|due| queue.submit(close(*due, sender)))).await?;
        for due in chunk {
            tracing::info!(auction = %due.auction, attempt = due.attempt, "closing");
            schedule.sent(*due, now);
        }
    }
    Ok(Duration::ZERO)
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default())
}

fn close(due: DueClose, sender: Uuid) -> Command {
    let name = format!("{}/{}/{}/{sender}", due.auction, due.ends_at.0, due.attempt);
    Command {
        id: CommandId(Uuid::new_v5(&CLOSING, name.as_bytes())),
        key: due.auction.0,
        actor: Actor::Portal,
        expect: None,
        fingerprint: 0,
        reply: String::new(),
        trace: String::new(),
        body: CommandBody::Auction(AuctionCommand::CloseAuction(CloseAuction)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_due_in_a_partition_that_is_not_watched_any_more() {
        let (schedule, partition) = (Arc::new(ClosingSchedule::default()), PartitionId(0));
        let watch = ClosingHandler::new(partition, Arc::clone(&schedule), Arc::default());
        schedule.begin(partition, vec![(AuctionId(Uuid::from_u128(1)), Timestamp(100))]);
        assert_eq!(schedule.due(Timestamp(100)).len(), 1);
        drop(watch);
        assert_eq!(schedule.due(Timestamp(100)), []);
        assert_eq!(schedule.next(), None);
    }
}
