//! Commands of a load, and their way to the command streams.

use crate::Failure;
use crate::run::ids::{RunIds, fingerprint_of};
use crate::run::mix::Operation;
use crate::run::plan::{PlannedAuction, PlannedRequest};
use auction_domain::auction::{AuctionCommand, CreateAuction, DeleteBid, PlaceBid};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, DurationMs, OperatorId, Timestamp, Title, UserId,
};
use auction_redis::keys;
use auction_wire::{Command, CommandBody, CommandId, PartitionCount};
use redis::aio::ConnectionLike;
use uuid::Uuid;

/// The default of the portal; `AUCTION__PARTITIONS` overrides both.
const PARTITIONS: u16 = 4;

/// Commands in one round trip, as in the ingress.
const PIPELINE: usize = 1000;

/// Returns the number of partitions of a private portal.
pub(crate) fn partitions() -> Result<PartitionCount, Failure> {
    let count = match std::env::var("AUCTION__PARTITIONS") {
        Ok(count) => count.parse()?,
        Err(_) => PARTITIONS,
    };
    Ok(PartitionCount::new(count)?)
}

fn command(id: CommandId, key: Uuid, actor: Actor, body: CommandBody) -> Command {
    let (reply, trace) = (String::new(), String::new());
    Command { id, key, actor, expect: None, fingerprint: 0, reply, trace, body }
}

pub(crate) fn create_user(user: Uuid) -> Command {
    let body = CommandBody::User(UserCommand::CreateUser(CreateUser));
    command(CommandId(user), user, Actor::User(UserId(user)), body)
}

/// Returns the command that creates an auction of an operator. `start` is the start of the load.
pub(crate) fn create_auction(
    auction: Uuid,
    planned: &PlannedAuction,
    start: Timestamp,
) -> Result<Command, Failure> {
    let create = CreateAuction {
        title: Title::new("Cartier wristwatch")?,
        description: Description::new("")?,
        currency: Currency::new("USD")?,
        opening_bid: Amount::new(planned.opening)?,
        reserve: None,
        starts_at: None,
        ends_at: Timestamp(start.0 + i64::try_from(planned.ends_after)?),
        seller: None,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    };
    let body = CommandBody::Auction(AuctionCommand::CreateAuction(Box::new(create)));
    Ok(command(CommandId(auction), auction, Actor::Operator(OperatorId::Unidentified), body))
}

pub(crate) fn place_bid(id: CommandId, auction: Uuid, bidder: Uuid, amount: u64) -> Result<Command, Failure> {
    let bidder = UserId(bidder);
    let place = PlaceBid { bid: BidId(id.0), bidder, amount: Amount::new(amount)? };
    let body = CommandBody::Auction(AuctionCommand::PlaceBid(place));
    let fingerprint = fingerprint_of(amount);
    Ok(Command { fingerprint, ..command(id, auction, Actor::User(bidder), body) })
}

/// Returns the command that the portal makes of a request. Its operation must be a command.
pub(crate) fn command_of(run_ids: &RunIds, request: &PlannedRequest) -> Result<Command, Failure> {
    let (user, auction) = (run_ids.user(request), run_ids.auction(request));
    let id = run_ids.command(request).unwrap_or_else(|| CommandId(Uuid::now_v7()));
    let command = place_bid(id, auction, user, request.amount)?;
    Ok(match request.operation {
        Operation::BidDelete => {
            let bid = BidId(run_ids.bid_with_key(request).unwrap_or_default());
            let body = CommandBody::Auction(AuctionCommand::DeleteBid(DeleteBid { bid }));
            Command { body, ..command }
        }
        _ => command,
    })
}

/// Adds an `XADD` of the command to the pipeline.
pub(crate) fn xadd(pipeline: &mut redis::Pipeline, stream: &str, command: &Command) {
    let add = pipeline.cmd("XADD").arg(stream).arg("*");
    for (name, value) in command.to_fields() {
        add.arg(name).arg(value);
    }
    add.ignore();
}

/// Adds commands to their streams, many in one round trip.
pub(crate) async fn add_commands(
    redis: &mut impl ConnectionLike,
    partitions: PartitionCount,
    commands: impl Iterator<Item = Result<Command, Failure>>,
) -> Result<(), Failure> {
    let mut commands = commands.peekable();
    while commands.peek().is_some() {
        let mut pipeline = redis::pipe();
        for command in commands.by_ref().take(PIPELINE) {
            let command = command?;
            let stream = keys::commands(partitions.of(command.key), command.body.channel());
            xadd(&mut pipeline, &stream, &command);
        }
        pipeline.query_async::<()>(redis).await?;
    }
    Ok(())
}
