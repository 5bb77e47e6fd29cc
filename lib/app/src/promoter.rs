//! The promoter: draws bids at random and doubles them, in a way that can be verified afterwards.
//!
//! An auction is created with the promotion of [`DrawCommitments::of`]: the interval of its draws, and the
//! commitment to a secret seed. The [`DrawHandler`] of each partition keeps the [`DrawSchedule`] of promoted
//! auctions up to date from the events. [`run`] sends the draws that are due, by the clock that stamps
//! commands, and reveals the seeds of auctions that are over. The draws use [`CurrentOptions`], which
//! operators can change at any time. [`verify`] recomputes all draws of an auction.
//!
//! The input of a draw is the auction at the time when the draw became due. So it does not matter which
//! promoter holds a draw, when, or how often. The command id is derived from auction, draw number and
//! version, so that two promoters send the same command. An auction accepts one draw per number.

mod commitments;
mod current_options;
mod draw_options;
mod draw_schedule;
mod promoted_auction;
pub mod verify;

pub use commitments::{DrawCommitments, DrawSecret};
pub use current_options::{CurrentOptions, OptionsChange, run_refresh};
pub use draw_options::{DrawOptions, DrawOptionsError};
pub use draw_schedule::DrawSchedule;
pub use promoted_auction::{DrawInput, PromotedAuction};

use crate::consume::stored_events::{LoadError, read_event};
use crate::consume::{EventHandler, HandleResult};
use crate::monotonic_check::MonotonicCheck;
use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::events::event_store::EventStore;
use auction_domain::auction::{AuctionCommand, HoldDraw, RevealSeed};
use auction_domain::{AuctionId, Timestamp};
use auction_wire::{Command, Event, EventRecord, PartitionId};
use draw_schedule::DueDraw;
use futures_util::future::try_join_all;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::Supervisor;

/// Namespace of the ids of the commands that hold draws.
const HOLDING: Uuid = Uuid::from_u128(0x7c02_61ab_3fd4_5e08_9a17_c5e2_4b90_18d6);

/// Namespace of the ids of the commands that reveal seeds.
const REVEALING: Uuid = Uuid::from_u128(0x40be_92d7_06c1_5f3a_b1e8_3d75_a96f_2c50);

/// Maximum time between two reads of the clock.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Event handler that keeps the draw schedule up to date with the events of one partition. When it is
/// dropped, the auctions of the partition are removed from the schedule.
pub struct DrawHandler {
    partition: PartitionId,
    schedule: Arc<DrawSchedule>,
}

impl DrawHandler {
    pub fn new(partition: PartitionId, schedule: Arc<DrawSchedule>) -> DrawHandler {
        DrawHandler { partition, schedule }
    }
}

/// The next owner of the partition holds its draws.
impl Drop for DrawHandler {
    fn drop(&mut self) {
        self.schedule.reset_partition(self.partition, Vec::new());
    }
}

impl EventHandler for DrawHandler {
    async fn load_checkpoint(&mut self, store: &mut impl EventStore) -> Result<u64, LoadError> {
        let unrevealed = store.unrevealed_auctions(self.partition).await?;
        let keys: Vec<Uuid> = unrevealed.auctions.iter().map(|auction| auction.0).collect();
        let mut promoted: HashMap<Uuid, Option<PromotedAuction>> = HashMap::new();
        for record in store.history(&keys, unrevealed.position).await? {
            let auction = promoted.entry(record.key);
            match (read_event(&record), auction) {
                (Ok(Event::Auction(event)), Entry::Vacant(auction)) => {
                    auction.insert(PromotedAuction::created(AuctionId(record.key), &event, record.at));
                }
                (Ok(Event::Auction(event)), Entry::Occupied(mut auction)) => {
                    if let Some(auction) = auction.get_mut() {
                        auction.apply(&event, record.at);
                    }
                }
                (Ok(_), _) => {}
                // Written by a newer program. If no newer promoter runs, the draws are recorded as missed.
                (Err(error), auction) => {
                    tracing::error!(%error, "draws of an auction disabled: unreadable event");
                    auction.insert_entry(None);
                }
            }
        }
        self.schedule.reset_partition(self.partition, promoted.into_values().flatten().collect());
        Ok(unrevealed.position)
    }

    async fn handle(
        &mut self,
        _: &mut impl EventStore,
        events: &[EventRecord],
        _: u64,
    ) -> Result<HandleResult, LoadError> {
        for record in events {
            let auction = AuctionId(record.key);
            // Most events belong to auctions without draws. Do not decode them.
            if record.version > 1 && !self.schedule.contains(auction) {
                continue;
            }
            if let Event::Auction(event) = read_event(record)? {
                self.schedule.apply(self.partition, auction, &event, record.version, record.at);
            }
        }
        Ok(HandleResult::Done)
    }
}

/// Sends due draws and seeds until shutdown.
pub async fn run(
    queue: &impl CommandQueue,
    schedule: &DrawSchedule,
    commitments: &DrawCommitments,
    supervisor: Supervisor,
) {
    let (mut stop, mut clock) = (supervisor.stop(), MonotonicCheck::default());
    while !supervisor.stopping() {
        let sending = send_due(queue, schedule, commitments, &mut clock);
        let Some(wait) = supervisor.attempt(sending).await else { continue };
        tokio::select! {
            () = stop.wait() => {}
            () = schedule.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Sends due draws and seeds. Returns the time until the next run.
async fn send_due(
    queue: &impl CommandQueue,
    schedule: &DrawSchedule,
    commitments: &DrawCommitments,
    clock: &mut MonotonicCheck,
) -> Result<Duration, Unavailable> {
    let Some(next) = schedule.next() else { return Ok(POLL_INTERVAL) };
    let now = queue.now().await?;
    if clock.went_back(now) {
        schedule.replan();
        return Ok(Duration::ZERO);
    }
    if next > now {
        let left = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default();
        return Ok(Duration::from_millis(left).min(POLL_INTERVAL));
    }
    // Commands that cannot be sent become due again.
    let options = commitments.current().now();
    let commands = schedule.due(now).into_iter().filter_map(|due| command(due, commitments, &options));
    try_join_all(commands.map(|command| queue.submit(command))).await?;
    Ok(Duration::ZERO)
}

/// Returns the command for a due draw or seed; `None` if this promoter cannot create it.
fn command(due: DueDraw, commitments: &DrawCommitments, options: &DrawOptions) -> Option<Command> {
    let auction = due.auction();
    let seed = commitments.seed(auction);
    if !due.commitment().commits_to(&seed) {
        tracing::error!(%auction, "draws of an auction disabled: its commitment was made with another secret");
        return None;
    }
    let (id, body) = match due {
        DueDraw::Reveal { .. } => {
            tracing::info!(%auction, "revealing the seed");
            let id = Uuid::new_v5(&REVEALING, auction.to_string().as_bytes());
            (id, AuctionCommand::RevealSeed(RevealSeed { seed }))
        }
        DueDraw::Hold { input, .. } => {
            let draw = match input.hold(options, seed) {
                Ok(draw) => draw,
                Err(error) => {
                    tracing::error!(%error, "draw not held: current options are invalid");
                    return None;
                }
            };
            tracing::info!(%auction, draw = draw.number, at_version = draw.at_version, chosen = ?draw.chosen, "holding a draw");
            let name = format!("{auction}/{}/{}", draw.number, draw.at_version);
            let id = Uuid::new_v5(&HOLDING, name.as_bytes());
            (id, AuctionCommand::HoldDraw(HoldDraw { draw: Box::new(draw) }))
        }
    };
    Some(Command::of_portal(id, auction, body))
}

/// Schedule time for entries that are due immediately.
const IMMEDIATELY: Timestamp = Timestamp(i64::MIN);

/// Schedule time for entries that wait for an event.
const AFTER_NEXT_EVENT: Timestamp = Timestamp(i64::MAX);
