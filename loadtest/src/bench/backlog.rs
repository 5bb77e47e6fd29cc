//! Commands on the streams, before anybody decides them.

use crate::Failure;
use auction_domain::auction::{AuctionCommand, CreateAuction, PlaceBid};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{
    Actor, Amount, AuctionId, BidId, Currency, Description, Millis, Timestamp, Title, UserId,
};
use auction_redis::keys;
use auction_wire::{Command, CommandBody, CommandId, PartitionCount, PartitionId};
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

/// As the portal has it; `AUCTION__PARTITIONS` says otherwise to both.
const PARTITIONS: u16 = 8;

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
        retraction_lock: Millis(0),
        promotion: None,
    };
    let body = CommandBody::Auction(AuctionCommand::CreateAuction(Box::new(create)));
    Ok(command(auction.0, auction.0, Actor::Operator, body))
}

/// Bid number `n`: auctions and bidders by turns, each higher than all before.
pub(crate) fn bid(n: usize, auctions: usize, users: usize) -> Result<Command, Failure> {
    let (auction, bidder, bid) = (auction(n % auctions), user((n / auctions + n) % users), id(3, n));
    let place = PlaceBid { bid: BidId(bid), bidder, amount: Amount::new(n as u64 + 1)? };
    let body = CommandBody::Auction(AuctionCommand::PlaceBid(place));
    Ok(command(bid, auction.0, Actor::User(bidder), body))
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
