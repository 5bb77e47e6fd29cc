//! Commands on the streams, before anybody decides them.

use crate::Failure;
use auction_domain::auction::{AuctionCommand, CreateAuction, PlaceBid};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{
    Actor, Amount, AuctionId, BidId, Currency, Description, DurationMs, Timestamp, Title, UserId,
};
use auction_redis::keys;
use auction_wire::{Command, CommandBody, CommandId, PartitionCount, PartitionId};
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

/// As the portal has it; `AUCTION__PARTITIONS` says otherwise to both.
const PARTITIONS: u16 = 4;

/// Entries in one round trip.
const PIPELINE: usize = 1000;

/// Long after any benchmark.
const END: Timestamp = Timestamp(4_102_444_800_000);

/// The ids of users, auctions and bids, told apart by their first half.
fn id(what: u64, n: usize) -> Uuid {
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7000 + what, 0x8000_0000_0000_0000 + n as u64)
}

/// A user.
pub(crate) fn user(n: usize) -> UserId {
    UserId(id(1, n))
}

/// An auction.
pub(crate) fn auction(n: usize) -> AuctionId {
    AuctionId(id(2, n))
}

/// How many partitions there are.
pub(crate) fn partitions() -> Result<PartitionCount, Failure> {
    let count = match std::env::var("AUCTION__PARTITIONS") {
        Ok(count) => count.parse()?,
        Err(_) => PARTITIONS,
    };
    Ok(PartitionCount::new(count)?)
}

/// Which partition something is in.
pub(crate) fn partition(key: Uuid) -> Result<PartitionId, Failure> {
    Ok(partitions()?.of(key))
}

fn command(id: Uuid, key: Uuid, actor: Actor, body: CommandBody) -> Command {
    let (reply, trace) = (String::new(), String::new());
    Command { id: CommandId(id), key, actor, expect: None, fingerprint: 7, reply, trace, body }
}

/// Creates a user.
pub(crate) fn create_user(user: UserId) -> Command {
    command(user.0, user.0, Actor::User(user), CommandBody::User(UserCommand::CreateUser(CreateUser)))
}

/// Creates an auction that stays open.
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
    Ok(command(auction.0, auction.0, Actor::Operator, body))
}

/// Who bids on what.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) users: usize,
    pub(crate) auctions: usize,
    /// Of each auction.
    pub(crate) bidders: usize,
}

impl Crowd {
    /// Auction, bidder and amount of bid number `n`: auctions and their bidders by turns, each higher than all before.
    pub(crate) fn bid(self, n: usize) -> (AuctionId, UserId, u64) {
        let (place, turn) = (n % self.auctions, n / self.auctions);
        (auction(place), user((place + turn % self.bidders) % self.users), n as u64 + 1)
    }

    /// The same as a command.
    pub(crate) fn command(self, n: usize) -> Result<Command, Failure> {
        let (auction, bidder, amount) = self.bid(n);
        Ok(place_bid(id(3, n), auction, bidder, Amount::new(amount)?))
    }
}

/// A bid with that id.
pub(crate) fn place_bid(id: Uuid, auction: AuctionId, bidder: UserId, amount: Amount) -> Command {
    let body = CommandBody::Auction(AuctionCommand::PlaceBid(PlaceBid { bid: BidId(id), bidder, amount }));
    command(id, auction.0, Actor::User(bidder), body)
}

/// Bid number `n`, where everybody bids on everything.
pub(crate) fn bid(n: usize, auctions: usize, users: usize) -> Result<Command, Failure> {
    Crowd { users, auctions, bidders: users }.command(n)
}

/// Puts commands on their streams, many in one round trip.
pub(crate) async fn give(
    redis: &mut MultiplexedConnection,
    commands: impl Iterator<Item = Result<Command, Failure>>,
) -> Result<(), Failure> {
    let mut pipeline = redis::pipe();
    let mut waiting = 0;
    for command in commands {
        let command = command?;
        let stream = keys::commands(partition(command.key)?, command.body.channel());
        let add = pipeline.cmd("XADD").arg(stream).arg("*");
        for (name, value) in command.to_fields() {
            add.arg(name).arg(value);
        }
        add.ignore();
        waiting += 1;
        if waiting == PIPELINE {
            pipeline.query_async::<()>(redis).await?;
            pipeline.clear();
            waiting = 0;
        }
    }
    if waiting > 0 {
        pipeline.query_async::<()>(redis).await?;
    }
    Ok(())
}
