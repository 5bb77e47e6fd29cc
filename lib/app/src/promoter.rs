//! Bids are drawn by lot and doubled, so that anybody can check it afterwards.
//!
//! An auction is created with [`DrawCommitments::of`] it: how often there is a draw, and the commitment to a secret
//! seed. A [`Watch`] on each partition's events keeps the [`DrawSchedule`] of promoted auctions; [`run`] holds what
//! is due there by the clock of Redis, and shows the seed of those that are over. How is said by the
//! [`CurrentOptions`] options, which operators change while it runs. [`verify`] holds all draws again.
//!
//! A draw looks at the auction as it was when the draw became due, not when somebody got around to it: who
//! holds it, when, and how often changes nothing. Its command is derived from auction, number and version,
//! so that two promoters send the same one; and the auction takes one draw of each number.

mod commitments;
mod current_options;
mod draw_options;
mod draw_schedule;
mod promoted_auction;
pub mod verify;

pub use commitments::{DrawCommitments, DrawSecret};
pub use current_options::{CurrentOptions, OptionsChange, run_refresh};
pub use draw_options::{DrawOptionsError, Options};
pub use draw_schedule::DrawSchedule;
pub use promoted_auction::{DrawInput, PromotedAuction};

use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::events::event_store::EventStore;
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::auction::{AuctionCommand, HoldDraw, RevealSeed};
use auction_domain::{Actor, AuctionId, Timestamp};
use auction_wire::{Command, CommandBody, CommandId, Event, EventRecord, PartitionId};
use draw_schedule::DueDraw;
use futures_util::future::try_join_all;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Namespace of the ids of the commands that hold draws.
const HOLDING: Uuid = Uuid::from_u128(0x7c02_61ab_3fd4_5e08_9a17_c5e2_4b90_18d6);

/// Namespace of the ids of the commands that reveal seeds.
const REVEALING: Uuid = Uuid::from_u128(0x40be_92d7_06c1_5f3a_b1e8_3d75_a96f_2c50);

/// How long nothing has to be due for the clock to be asked again all the same.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Keeps the floor true to one partition's events, until it is dropped.
pub struct DrawHandler {
    partition: PartitionId,
    floor: Arc<DrawSchedule>,
}

impl DrawHandler {
    /// Of that partition.
    pub fn new(partition: PartitionId, floor: Arc<DrawSchedule>) -> DrawHandler {
        DrawHandler { partition, floor }
    }
}

/// Whoever follows the partition from now on holds its draws.
impl Drop for DrawHandler {
    fn drop(&mut self) {
        self.floor.reset_partition(self.partition, Vec::new());
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
                // Written by a newer program: others hold its draws, or nobody does, which shows.
                (Err(error), auction) => {
                    tracing::error!(%error, "this auction's draws are not held");
                    auction.insert_entry(None);
                }
            }
        }
        self.floor.reset_partition(self.partition, promoted.into_values().flatten().collect());
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
            // Most events are of auctions without draws: not worth reading.
            if record.version > 1 && !self.floor.contains(auction) {
                continue;
            }
            if let Event::Auction(event) = read_event(record)? {
                self.floor.apply(self.partition, auction, &event, record.version, record.at);
            }
        }
        Ok(HandleResult::Done)
    }
}

/// Holds what is due until it is time to stop.
pub async fn run(
    queue: &impl CommandQueue,
    floor: &DrawSchedule,
    promises: &DrawCommitments,
    health: &HealthHandle,
    mut stop: ShutdownSignal,
) {
    let mut retry = Retry::default();
    while !stop.requested() {
        let wait = match send_due(queue, floor, promises).await {
            Ok(wait) => {
                retry.succeeded();
                health.set_up();
                wait
            }
            Err(error) => {
                let wait = retry.next_wait();
                tracing::warn!(%error, "draws wait");
                health.set_waiting(&error, retry.attempts());
                wait
            }
        };
        tokio::select! {
            () = stop.wait() => {}
            () = floor.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Sends what is due. Returns how long nothing else will be.
async fn send_due(
    queue: &impl CommandQueue,
    floor: &DrawSchedule,
    promises: &DrawCommitments,
) -> Result<Duration, Unavailable> {
    let Some(next) = floor.next() else { return Ok(LOOK_AGAIN) };
    let now = queue.now().await?;
    if next > now {
        let left = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default();
        return Ok(Duration::from_millis(left).min(LOOK_AGAIN));
    }
    // What could not be sent is due again soon.
    let options = promises.current().now();
    let commands = floor.due(now).into_iter().filter_map(|due| command(due, promises, &options));
    try_join_all(commands.map(|command| queue.submit(command))).await?;
    Ok(Duration::ZERO)
}

/// The command for what is due; none if this promoter cannot do it.
fn command(due: DueDraw, promises: &DrawCommitments, options: &Options) -> Option<Command> {
    let auction = due.auction();
    let seed = promises.seed(auction);
    if !due.commitment().is_to(&seed) {
        tracing::error!(%auction, "was promised with another secret than this portal's: its draws are not held");
        return None;
    }
    let (id, body) = match due {
        DueDraw::Reveal { .. } => {
            tracing::info!(%auction, "revealing the seed");
            let id = Uuid::new_v5(&REVEALING, auction.to_string().as_bytes());
            (id, AuctionCommand::RevealSeed(RevealSeed { seed }))
        }
        DueDraw::Hold { look, .. } => {
            let draw = match look.hold(options, seed) {
                Ok(draw) => draw,
                Err(error) => {
                    tracing::error!(%error, "the options make no sense any more");
                    return None;
                }
            };
            tracing::info!(%auction, draw = draw.number, at_version = draw.at_version, chosen = ?draw.chosen, "drawn");
            let name = format!("{auction}/{}/{}", draw.number, draw.at_version);
            let id = Uuid::new_v5(&HOLDING, name.as_bytes());
            (id, AuctionCommand::HoldDraw(HoldDraw { draw: Box::new(draw) }))
        }
    };
    Some(Command {
        id: CommandId(id),
        key: auction.0,
        actor: Actor::Portal,
        expect: None,
        fingerprint: 0,
        reply: String::new(),
        trace: String::new(),
        body: CommandBody::Auction(body),
    })
}

/// A time before all others: at once.
const AT_ONCE: Timestamp = Timestamp(i64::MIN);

/// A time after all others: when something happens.
const NOT_BEFORE_NEWS: Timestamp = Timestamp(i64::MAX);
