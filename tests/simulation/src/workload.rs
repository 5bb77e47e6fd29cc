//! Commands of a schedule: they depend on each other, some are submitted twice, and some cannot be processed.
//! Users of another partition bid too and are deleted there meanwhile.

use crate::process::abort;
use crate::world::World;
use auction_app::ports::events::event_store::{AppendBatch, NewEvent};
use auction_app::writer::aggregate_cache::Aggregate;
use auction_app::writer::dispatch::DecideFn;
use auction_domain::auction::{AuctionCommand, PlaceBid};
use auction_domain::{Actor, AuctionId, BidId, OperatorId, RefusalInfo, Timestamp, UserId};
use auction_testkit::fixtures::{
    amount, create_auction, create_user, delete_bid, delete_user, of_auction, record, user_created,
    user_deleted,
};
use auction_wire::{Command, CommandBody, CommandId, Event, PartitionId};
use uuid::Uuid;

/// Partition of the users that do not belong to the simulated partition.
pub const OTHER_PARTITION: PartitionId = PartitionId(1);

/// Amount of a bid that aborts the process that decides it.
const CRASHING_AMOUNT: u64 = 7_777;

/// Commands of a schedule and the users of the other partition.
#[derive(Debug)]
pub struct Workload {
    /// Commands in submission order. `None`: an entry that is no command.
    pub commands: Vec<Option<Command>>,
    /// Users of the other partition.
    pub other_users: Vec<UserId>,
    /// Commands that the store rejects.
    pub rejected: Vec<CommandId>,
}

fn id(number: u64, partition: u64) -> Uuid {
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7000, number * 6400 + partition)
}

fn place_bid(id: Uuid, auction: AuctionId, bidder: UserId, minor_units: u64) -> Command {
    let place = PlaceBid { bid: BidId(id), bidder, amount: amount(minor_units) };
    of_auction(id, auction, Actor::User(bidder), AuctionCommand::PlaceBid(place))
}

/// Decides as [`DecideFn::default`], but panics at some bids and aborts the process at others.
pub fn decide_with_faults(
    aggregate: &Aggregate,
    command: &Command,
    at: Timestamp,
) -> Result<Vec<Event>, RefusalInfo> {
    if let CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { amount, .. })) = &command.body {
        match amount.minor_units() {
            CRASHING_AMOUNT => abort(),
            // A panic without a message on stderr.
            _ if panics(command) => std::panic::resume_unwind(Box::new("panicking command")),
            _ => {}
        }
    }
    (DecideFn::default().0)(aggregate, command, at)
}

/// Returns whether a command aborts the process that decides it.
pub fn crashes_process(command: &Command) -> bool {
    matches!(&command.body, CommandBody::Auction(AuctionCommand::PlaceBid(bid)) if bid.amount.minor_units() == CRASHING_AMOUNT)
}

/// Returns whether the decision of a command panics.
pub fn panics(command: &Command) -> bool {
    matches!(&command.body, CommandBody::Auction(AuctionCommand::PlaceBid(bid)) if bid.amount.minor_units().is_multiple_of(29))
}

impl Workload {
    pub fn random(world: &World) -> Workload {
        let mut next = 0;
        let mut fresh = |partition| {
            next += 1;
            id(next, partition)
        };
        let users: Vec<UserId> = (0..3).map(|_| UserId(fresh(0))).collect();
        let other_users: Vec<UserId> = (0..2).map(|_| UserId(fresh(1))).collect();
        let auctions: Vec<AuctionId> = (0..2).map(|_| AuctionId(fresh(0))).collect();
        let bidders = [users.clone(), other_users.clone()].concat();
        let mut commands: Vec<Option<Command>> = users.iter().map(|user| Some(create_user(*user))).collect();
        commands.extend(auctions.iter().map(|auction| Some(create_auction(*auction))));
        let crash_at = world.chance(60).then(|| world.below(12));
        for n in 0..8 + world.below(24) {
            let user = bidders[world.below(bidders.len() as u64) as usize];
            let auction = auctions[world.below(2) as usize];
            let before = commands[world.below(commands.len() as u64) as usize].clone();
            let command = match world.below(24) {
                0..3 => before,
                3 => None,
                4 => {
                    let user = users[world.below(3) as usize];
                    Some(Command { id: CommandId(fresh(0)), ..delete_user(user) })
                }
                5..8 => before.map(|before| {
                    let delete = delete_bid(auction, user, BidId(before.id.0));
                    Command { id: CommandId(fresh(0)), ..delete }
                }),
                8 => {
                    let new = AuctionId(fresh(0));
                    Some(create_auction(new))
                }
                _ => Some(place_bid(fresh(0), auction, user, 90 + n * 3 + world.below(20))),
            };
            commands.push(command);
            if crash_at == Some(n) {
                commands.push(Some(place_bid(fresh(0), auction, users[0], CRASHING_AMOUNT)));
            }
        }
        let any =
            |_| commands[world.below(commands.len() as u64) as usize].as_ref().map(|command| command.id);
        let rejected = (0..world.below(3)).filter_map(any).collect();
        Workload { commands, other_users, rejected }
    }

    /// Returns the append that creates the users of the other partition.
    pub fn create_other_users(&self) -> AppendBatch {
        let created = self.other_users.iter().zip(1..).map(|(user, position)| event_of(*user, position, 1));
        AppendBatch {
            partition: OTHER_PARTITION,
            expected_head: 0,
            events: created.collect(),
            outcomes: Vec::new(),
        }
    }

    /// Returns the command that bars a deleted user of the other partition.
    pub fn bar_other_user(&self, user: UserId) -> Command {
        let (_, number) = user.0.as_u64_pair();
        Command::bar_users(id(2_000_000 + number, 0), vec![user])
    }

    /// Returns the append that deletes a user of the other partition.
    pub fn delete_other_user(&self, user: UserId, head: u64) -> AppendBatch {
        let events = vec![event_of(user, head + 1, 2)];
        AppendBatch { partition: OTHER_PARTITION, expected_head: head, events, outcomes: Vec::new() }
    }
}

fn event_of(user: UserId, position: u64, version: u64) -> NewEvent {
    let event = if version == 1 { user_created() } else { user_deleted() };
    let cause = CommandId(id(1_000_000 + position, 1));
    NewEvent {
        record: record(position, user.0, version, &event, cause),
        event,
        actor: Actor::Operator(OperatorId::Unidentified),
    }
}
