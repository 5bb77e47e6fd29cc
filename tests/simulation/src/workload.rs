//! What is asked in a schedule: commands that depend on each other, some given twice, some that cannot be handled; and
//! users of another partition, who are deleted there while they bid here.

use crate::process::abort;
use crate::world::World;
use auction_app::ports::events::event_store::{AppendBatch, NewEvent};
use auction_app::writer::aggregate_cache::Aggregate;
use auction_app::writer::dispatch::DecideFn;
use auction_domain::auction::{AuctionCommand, PlaceBid};
use auction_domain::{Actor, AuctionId, BidId, Refused, Timestamp, UserId};
use auction_testkit::fixtures::{
    amount, create_auction, create_user, delete_bid, delete_user, of_auction, record, user_created,
    user_deleted,
};
use auction_wire::{Command, CommandBody, CommandId, Event, PartitionId};
use uuid::Uuid;

/// Where those users live who are not of the partition that is simulated.
pub const ELSEWHERE: PartitionId = PartitionId(1);

/// A bid of so much ends the process that decides it.
const DEADLY: u64 = 7_777;

/// Everything that is asked in a schedule.
#[derive(Debug)]
pub struct Workload {
    /// In the order in which it is given. None: something that is no command.
    pub given: Vec<Option<Command>>,
    /// Users of another partition.
    pub elsewhere: Vec<UserId>,
    /// What the store does not take.
    pub rejected: Vec<CommandId>,
}

fn id(number: u64, partition: u64) -> Uuid {
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7000, number * 6400 + partition)
}

fn place_bid(id: Uuid, auction: AuctionId, bidder: UserId, minor_units: u64) -> Command {
    let place = PlaceBid { bid: BidId(id), bidder, amount: amount(minor_units) };
    of_auction(id, auction, Actor::User(bidder), AuctionCommand::PlaceBid(place))
}

/// The rules of the house, but that they panic at some bids, and end the process at others.
pub fn cursed(aggregate: &Aggregate, command: &Command, at: Timestamp) -> Result<Vec<Event>, Refused> {
    if let CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { amount, .. })) = &command.body {
        match amount.minor_units() {
            DEADLY => abort(),
            // As a panic, without telling the world.
            _ if is_cursed(command) => std::panic::resume_unwind(Box::new("cursed")),
            _ => {}
        }
    }
    (DecideFn::default().0)(aggregate, command, at)
}

/// Whether a command ends the process that decides it.
pub fn is_deadly(command: &Command) -> bool {
    matches!(&command.body, CommandBody::Auction(AuctionCommand::PlaceBid(bid)) if bid.amount.minor_units() == DEADLY)
}

/// Whether whoever decides a command panics.
pub fn is_cursed(command: &Command) -> bool {
    matches!(&command.body, CommandBody::Auction(AuctionCommand::PlaceBid(bid)) if bid.amount.minor_units().is_multiple_of(29))
}

impl Workload {
    /// By chance.
    pub fn draw(world: &World) -> Workload {
        let mut next = 0;
        let mut fresh = |partition| {
            next += 1;
            id(next, partition)
        };
        let users: Vec<UserId> = (0..3).map(|_| UserId(fresh(0))).collect();
        let elsewhere: Vec<UserId> = (0..2).map(|_| UserId(fresh(1))).collect();
        let auctions: Vec<AuctionId> = (0..2).map(|_| AuctionId(fresh(0))).collect();
        let bidders = [users.clone(), elsewhere.clone()].concat();
        let mut given: Vec<Option<Command>> = users.iter().map(|user| Some(create_user(*user))).collect();
        given.extend(auctions.iter().map(|auction| Some(create_auction(*auction))));
        let deadly = world.chance(60).then(|| world.below(12));
        for n in 0..8 + world.below(24) {
            let user = bidders[world.below(bidders.len() as u64) as usize];
            let auction = auctions[world.below(2) as usize];
            let before = given[world.below(given.len() as u64) as usize].clone();
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
            given.push(command);
            if deadly == Some(n) {
                given.push(Some(place_bid(fresh(0), auction, users[0], DEADLY)));
            }
        }
        let some = |_| given[world.below(given.len() as u64) as usize].as_ref().map(|command| command.id);
        let rejected = (0..world.below(3)).filter_map(some).collect();
        Workload { given, elsewhere, rejected }
    }

    /// How the users come to be who live elsewhere.
    pub fn begin_elsewhere(&self) -> AppendBatch {
        let created = self.elsewhere.iter().zip(1..).map(|(user, position)| event_of(*user, position, 1));
        AppendBatch {
            partition: ELSEWHERE,
            expected_head: 0,
            known_deletions: u64::MAX,
            events: created.collect(),
            outcomes: Vec::new(),
        }
    }

    /// How one of them is deleted.
    pub fn delete_elsewhere(&self, user: UserId, head: u64) -> AppendBatch {
        let events = vec![event_of(user, head + 1, 2)];
        AppendBatch {
            partition: ELSEWHERE,
            expected_head: head,
            known_deletions: u64::MAX,
            events,
            outcomes: Vec::new(),
        }
    }
}

fn event_of(user: UserId, position: u64, version: u64) -> NewEvent {
    let event = if version == 1 { user_created() } else { user_deleted() };
    let cause = CommandId(id(1_000_000 + position, 1));
    NewEvent { record: record(position, user.0, version, &event, cause), event, actor: Actor::Operator }
}
