//! Creates commands and adds them to the command streams.

use crate::Failure;
use auction_domain::auction::{AuctionCommand, CreateAuction, PlaceBid};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{
    Actor, Amount, AuctionId, BidId, Currency, Description, DurationMs, OperatorId, Timestamp, Title, UserId,
};
use auction_redis::keys;
use auction_wire::{Command, CommandBody, CommandId, PartitionCount, PartitionId};
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

/// The default of the portal; `AUCTION__PARTITIONS` overrides both.
const PARTITIONS: u16 = 4;

/// Commands in one round trip.
const PIPELINE: usize = 1000;

/// End of auctions, later than any benchmark.
const END: Timestamp = Timestamp(4_102_444_800_000);

/// Returns the id of a user, auction or bid; `kind` determines its first half.
fn id(kind: u64, n: usize) -> Uuid {
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7000 + kind, 0x8000_0000_0000_0000 + n as u64)
}

pub(crate) fn user(n: usize) -> UserId {
    UserId(id(1, n))
}

pub(crate) fn auction(n: usize) -> AuctionId {
    AuctionId(id(2, n))
}

/// Returns the number of partitions.
pub(crate) fn partitions() -> Result<PartitionCount, Failure> {
    let count = match std::env::var("AUCTION__PARTITIONS") {
        Ok(count) => count.parse()?,
        Err(_) => PARTITIONS,
    };
    Ok(PartitionCount::new(count)?)
}

/// Returns the partition of a key.
pub(crate) fn partition(key: Uuid) -> Result<PartitionId, Failure> {
    Ok(partitions()?.of(key))
}

fn command(id: Uuid, key: Uuid, actor: Actor, body: CommandBody) -> Command {
    let (reply, trace) = (String::new(), String::new());
    Command { id: CommandId(id), key, actor, expect: None, fingerprint: 7, reply, trace, body }
}

pub(crate) fn create_user(user: UserId) -> Command {
    command(user.0, user.0, Actor::User(user), CommandBody::User(UserCommand::CreateUser(CreateUser)))
}

/// Returns the command that creates an auction which stays open.
pub(crate) fn create_auction(auction: AuctionId) -> Result<Command, Failure> {
    let create = CreateAuction {
        title: Title::new("Cartier wristwatch")?,
        description: Description::new("")?,
        currency: Currency::new("USD")?,
        opening_bid: Amount::new(1)?,
        reserve: None,
        starts_at: None,
        ends_at: END,
        seller: None,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    };
    let body = CommandBody::Auction(AuctionCommand::CreateAuction(Box::new(create)));
    Ok(command(auction.0, auction.0, Actor::Operator(OperatorId::Unidentified), body))
}

/// Defines which user bids on which auction.
#[derive(Clone, Copy)]
pub(crate) struct BidPattern {
    pub(crate) users: usize,
    pub(crate) auctions: usize,
    /// Bidders of each auction.
    pub(crate) bidders: usize,
}

impl BidPattern {
    /// Returns auction, bidder and amount of bid number `n`. Auctions and their bidders take turns, and each
    /// bid is above all earlier ones.
    pub(crate) fn bid(self, n: usize) -> (AuctionId, UserId, u64) {
        let (index, round) = (n % self.auctions, n / self.auctions);
        (auction(index), user((index + round % self.bidders) % self.users), n as u64 + 1)
    }

    /// Returns bid number `n` as a command.
    pub(crate) fn command(self, n: usize) -> Result<Command, Failure> {
        let (auction, bidder, amount) = self.bid(n);
        Ok(place_bid(id(3, n), auction, bidder, Amount::new(amount)?))
    }
}

pub(crate) fn place_bid(id: Uuid, auction: AuctionId, bidder: UserId, amount: Amount) -> Command {
    let body = CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { bid: BidId(id), bidder, amount }));
    command(id, auction.0, Actor::User(bidder), body)
}

/// Returns bid number `n` if every user bids on every auction.
pub(crate) fn bid(n: usize, auctions: usize, users: usize) -> Result<Command, Failure> {
    BidPattern { users, auctions, bidders: users }.command(n)
}

/// Adds commands to their streams, many in one round trip.
pub(crate) async fn add_commands(
    redis: &mut MultiplexedConnection,
    commands: impl Iterator<Item = Result<Command, Failure>>,
) -> Result<(), Failure> {
    let mut pipeline = redis::pipe();
    let mut queued = 0;
    for command in commands {
        let command = command?;
        let stream = keys::commands(partition(command.key)?, command.body.channel());
        let add = pipeline.cmd("XADD").arg(stream).arg("*");
        for (name, value) in command.to_fields() {
            add.arg(name).arg(value);
        }
        add.ignore();
        queued += 1;
        if queued == PIPELINE {
            pipeline.query_async::<()>(redis).await?;
            pipeline.clear();
            queued = 0;
        }
    }
    if queued > 0 {
        pipeline.query_async::<()>(redis).await?;
    }
    Ok(())
}
