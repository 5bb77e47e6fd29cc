//! Closes auctions at their end time.
//!
//! A [`ClosingSchedule`] contains the end times of all open auctions. The [`ClosingHandler`] of each
//! partition keeps it up to date from the events. [`run`] sends `CloseAuction` when an end time has passed,
//! by the clock that stamps commands. The auction itself determines the winner.
//!
//! A close that has no effect in the events is sent again with another command id. Otherwise a refusal as too
//! early, or one caused by another auctioneer whose time differs, would be the final answer. A closed auction
//! refuses further closes, so repeats are harmless.
//!
//! The same loop sends the commands of user deletions ([`crate::auctioneer::user_deletion`]), always before
//! closes. So the bar of a bidder comes before the close if the bidder was deleted before the close was sent, and
//! the close removes what barred users have left.

mod schedule;

pub use schedule::ClosingSchedule;

use crate::auctioneer::user_deletion::run_user_deletion;
use crate::consume::stored_events::{LoadError, read_event};
use crate::consume::{EventHandler, HandleResult};
use crate::monotonic_check::MonotonicCheck;
use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::events::event_store::EventStore;
use crate::ports::people::accounts::PersonalDataErasure;
use crate::ports::people::tokens::Revocations;
use crate::ports::people::user_deletions::UserDeletions;
use auction_domain::auction::{AuctionCommand, AuctionEvent, CloseAuction};
use auction_domain::user::UserEvent;
use auction_domain::user_bar::BarEvent;
use auction_domain::{AuctionId, Timestamp};
use auction_wire::{Command, Event, EventRecord, PartitionCount, PartitionId};
use futures_util::future::try_join_all;
use schedule::DueClose;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::Supervisor;

/// Namespace of the ids of closing commands.
const CLOSING: Uuid = Uuid::from_u128(0x1f6a_7c55_8e0b_5d9c_8f43_91b0_7a1e_4c02);

/// Maximum number of closes that are sent at once.
const CHUNK: usize = 500;

/// Maximum time between two reads of the clock.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Minimum time between two runs of the user-deletion process without a close: deletions that follow each other share
/// their bars, one command per partition. At 200 ms, 25 deletions a second doubled the latency of bids.
const DELETION_INTERVAL: Duration = Duration::from_secs(1);

/// Time between two runs without a request, for retries.
const DELETION_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// When the user-deletion process runs.
#[derive(Default)]
struct RunTimer {
    last: Option<Instant>,
    /// Whether a deletion, a bar or a removal was stored since the last run.
    requested: bool,
}

impl RunTimer {
    /// Returns the time until the next run; zero if it is due.
    fn wait(&self) -> Duration {
        let interval = if self.requested { DELETION_INTERVAL } else { DELETION_POLL_INTERVAL };
        self.last.map_or(Duration::ZERO, |last| interval.saturating_sub(last.elapsed()))
    }
}

/// Event handler that keeps the closing schedule up to date with the events of one partition. When it is
/// dropped, the auctions of the partition are removed from the schedule.
pub struct ClosingHandler {
    partition: PartitionId,
    schedule: Arc<ClosingSchedule>,
    departed: Arc<Notify>,
}

impl ClosingHandler {
    /// Creates the handler of a partition. It notifies `departed` when a user was deleted or barred, and when bids
    /// or auctions were removed: then a deletion may continue.
    pub fn new(
        partition: PartitionId,
        schedule: Arc<ClosingSchedule>,
        departed: Arc<Notify>,
    ) -> ClosingHandler {
        ClosingHandler { partition, schedule, departed }
    }

    fn apply(&self, auction: AuctionId, event: &Event) {
        match event {
            Event::User(UserEvent::UserDeleted) | Event::Bar(BarEvent::UsersBarred { .. }) => {
                self.departed.notify_one();
            }
            Event::Auction(event) => self.apply_auction(auction, event),
            _ => {}
        }
    }

    fn apply_auction(&self, auction: AuctionId, event: &AuctionEvent) {
        if let Some(ends_at) = event.ends_at() {
            self.schedule.set_end(self.partition, auction, ends_at);
        }
        if event.final_status().is_some() {
            self.schedule.remove(auction);
        }
        if let AuctionEvent::AuctionCancelled { .. } | AuctionEvent::BidsRetracted { .. } = event {
            self.departed.notify_one();
        }
    }
}

/// The next owner of the partition closes its auctions.
impl Drop for ClosingHandler {
    fn drop(&mut self) {
        self.schedule.reset_partition(self.partition, Vec::new());
    }
}

impl EventHandler for ClosingHandler {
    async fn load_checkpoint(&mut self, store: &mut impl EventStore) -> Result<u64, LoadError> {
        let open = store.open_auctions(self.partition).await?;
        self.schedule.reset_partition(self.partition, open.auctions);
        Ok(open.position)
    }

    async fn handle(
        &mut self,
        _: &mut impl EventStore,
        events: &[EventRecord],
        _: u64,
    ) -> Result<HandleResult, LoadError> {
        for record in events {
            self.apply(AuctionId(record.key), &read_event(record)?);
        }
        Ok(HandleResult::Done)
    }
}

/// Sends due closes and the commands of user deletions until shutdown. The handlers notify `departed`.
pub async fn run(
    queue: &impl CommandQueue,
    deletions: &(impl UserDeletions + PersonalDataErasure),
    revocations: &impl Revocations,
    schedule: &ClosingSchedule,
    departed: &Notify,
    partitions: PartitionCount,
    supervisor: Supervisor,
) {
    let (sender, mut stop) = (Uuid::new_v4(), supervisor.stop());
    let mut deletion_timer = RunTimer::default();
    let mut clock = MonotonicCheck::default();
    while !supervisor.stopping() {
        let sending = async {
            let now = queue.now().await?;
            if clock.went_back(now) {
                schedule.replan();
            }
            let due = (sender, now);
            send_due(queue, deletions, revocations, schedule, partitions, due, &mut deletion_timer).await
        };
        let Some(wait) = supervisor.attempt(sending).await else { continue };
        tokio::select! {
            () = stop.wait() => {}
            () = schedule.changed() => {}
            () = departed.notified(), if !deletion_timer.requested => deletion_timer.requested = true,
            () = tokio::time::sleep(wait.min(deletion_timer.wait())) => {}
        }
    }
}

/// Runs the user-deletion process if necessary, then sends all due closes. Returns the time until the next
/// run.
async fn send_due(
    queue: &impl CommandQueue,
    deletions: &(impl UserDeletions + PersonalDataErasure),
    revocations: &impl Revocations,
    schedule: &ClosingSchedule,
    partitions: PartitionCount,
    (sender, now): (Uuid, Timestamp),
    deletion_timer: &mut RunTimer,
) -> Result<Duration, Unavailable> {
    let due = schedule.due(now);
    if deletion_timer.wait().is_zero() || !due.is_empty() {
        let began = Instant::now();
        run_user_deletion(queue, deletions, revocations, partitions).await?;
        *deletion_timer = RunTimer { last: Some(began), requested: false };
    }
    if due.is_empty() {
        return Ok(schedule.next().map_or(POLL_INTERVAL, |next| until(now, next).min(POLL_INTERVAL)));
    }
    // Each chunk is one flush of the queue.
    for chunk in due.chunks(CHUNK) {
        try_join_all(chunk.iter().map(|due| queue.submit(close(*due, sender)))).await?;
        for due in chunk {
            tracing::info!(auction = %due.auction, attempt = due.attempt, "closing auction");
            schedule.mark_sent(*due, now);
        }
    }
    Ok(Duration::ZERO)
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default())
}

fn close(due: DueClose, sender: Uuid) -> Command {
    let name = format!("{}/{}/{}/{sender}", due.auction, due.ends_at.0, due.attempt);
    let id = Uuid::new_v5(&CLOSING, name.as_bytes());
    Command::of_portal(id, due.auction, AuctionCommand::CloseAuction(CloseAuction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_closing_handler_clears_its_partition() {
        let (schedule, partition) = (Arc::new(ClosingSchedule::default()), PartitionId(0));
        let handler = ClosingHandler::new(partition, Arc::clone(&schedule), Arc::default());
        schedule.reset_partition(partition, vec![(AuctionId(Uuid::from_u128(1)), Timestamp(100))]);
        assert_eq!(schedule.due(Timestamp(100)).len(), 1);
        drop(handler);
        assert_eq!(schedule.due(Timestamp(100)), []);
        assert_eq!(schedule.next(), None);
    }
}
