//! Sample commands, events and outcomes.

use auction_app::ports::events::event_store::{AppendBatch, NewEvent};
use auction_domain::auction::{
    AuctionCommand, AuctionEvent, Commitment, CreateAuction, DeleteBid, EndAuction, PlaceBid, Promotion,
    Terms,
};
use auction_domain::user::{CreateUser, DeleteUser, UserCommand, UserEvent};
use auction_domain::user_bar::BarEvent;
use auction_domain::{
    Actor, Amount, AuctionId, BidId, Currency, Description, DurationMs, OperatorId, RefusalClass, Timestamp,
    Title, UserId,
};
use auction_wire::{
    Command, CommandBody, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId,
};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Partition of all fixtures that do not name another one.
pub const P: PartitionId = PartitionId(0);

/// Time of the commands.
pub const AT: Timestamp = Timestamp(1_795_372_100_000);

/// End of the auctions, long after [`AT`].
pub const END: Timestamp = Timestamp(4_102_444_800_000);

/// Returns an id that is unique in this process and belongs to an aggregate in partition 0.
pub fn fresh() -> Uuid {
    fresh_in(P)
}

/// Returns a new id in a partition, for any number of partitions that divides 6,400.
pub fn fresh_in(partition: PartitionId) -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7000, number * 6400 + u64::from(partition.0))
}

pub fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).unwrap()
}

fn command(id: Uuid, key: Uuid, actor: Actor, body: CommandBody) -> Command {
    Command {
        id: CommandId(id),
        key,
        actor,
        expect: None,
        fingerprint: 7,
        reply: "ingress".to_owned(),
        trace: String::new(),
        body,
    }
}

pub fn create_user(user: UserId) -> Command {
    command(user.0, user.0, Actor::User(user), CommandBody::User(UserCommand::CreateUser(CreateUser)))
}

pub fn delete_user(user: UserId) -> Command {
    command(fresh(), user.0, Actor::User(user), CommandBody::User(UserCommand::DeleteUser(DeleteUser)))
}

/// Creates an auction as the auction house: opening bid 100, open until [`END`].
pub fn create_auction(auction: AuctionId) -> Command {
    create_auction_for(auction, None)
}

/// Creates an auction as a seller, or as the auction house: opening bid 100, open until [`END`].
pub fn create_auction_for(auction: AuctionId, seller: Option<UserId>) -> Command {
    let create = CreateAuction {
        title: Title::new("Cartier wristwatch").unwrap(),
        description: Description::new("").unwrap(),
        currency: Currency::new("USD").unwrap(),
        opening_bid: amount(100),
        reserve: None,
        starts_at: None,
        ends_at: END,
        seller,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    };
    let actor = seller.map_or(Actor::Operator(OperatorId::Unidentified), Actor::User);
    of_auction(auction.0, auction, actor, AuctionCommand::CreateAuction(Box::new(create)))
}

pub fn place_bid(auction: AuctionId, bidder: UserId, minor_units: u64) -> Command {
    let id = fresh();
    let place = PlaceBid { bid: BidId(id), bidder, amount: amount(minor_units) };
    of_auction(id, auction, Actor::User(bidder), AuctionCommand::PlaceBid(place))
}

pub fn delete_bid(auction: AuctionId, bidder: UserId, bid: BidId) -> Command {
    of_auction(fresh(), auction, Actor::User(bidder), AuctionCommand::DeleteBid(DeleteBid { bid }))
}

/// Ends an auction, as an operator.
pub fn end_auction(auction: AuctionId) -> Command {
    let actor = Actor::Operator(OperatorId::Unidentified);
    of_auction(fresh(), auction, actor, AuctionCommand::EndAuction(EndAuction))
}

pub fn of_auction(id: Uuid, auction: AuctionId, actor: Actor, body: AuctionCommand) -> Command {
    command(id, auction.0, actor, CommandBody::Auction(body))
}

pub fn auction_created(seller: Option<UserId>) -> Event {
    created(seller, None)
}

/// Creation of an auction with a draw every minute.
pub fn promoted_auction_created() -> Event {
    let commitment = Commitment(auction_promoter::Seed([0; 32]).commitment());
    created(None, Some(Promotion { interval: DurationMs::seconds(60), commitment }))
}

fn created(seller: Option<UserId>, promotion: Option<Promotion>) -> Event {
    Event::Auction(AuctionEvent::AuctionCreated {
        title: Title::new("Cartier wristwatch").unwrap(),
        description: Description::new("").unwrap(),
        terms: Terms {
            currency: Currency::new("USD").unwrap(),
            opening_bid: amount(100),
            reserve: None,
            starts_at: AT,
            ends_at: END,
            seller,
            soft_close: None,
            retraction_lock: DurationMs(0),
            promotion,
        },
    })
}

pub fn user_created() -> Event {
    Event::User(UserEvent::UserCreated)
}

pub fn user_deleted() -> Event {
    Event::User(UserEvent::UserDeleted)
}

pub fn users_barred(users: &[UserId]) -> Event {
    Event::Bar(BarEvent::UsersBarred { users: users.to_vec() })
}

pub fn bid_placed(bid: BidId, bidder: UserId, minor_units: u64) -> Event {
    Event::Auction(AuctionEvent::BidPlaced { bid, bidder, amount: amount(minor_units) })
}

/// Returns a `place_bid` outcome at a position of partition 0.
pub fn outcome(command: CommandId, key: Uuid, position: u64, result: OutcomeResult) -> Outcome {
    let kind = "place_bid".to_owned();
    Outcome { command, kind, key, fingerprint: u64::MAX, partition: P, position, at: AT, result }
}

pub fn refusal(command: CommandId, position: u64) -> Outcome {
    let refused = auction_domain::RefusalInfo {
        code: "not_open",
        class: RefusalClass::Conflict,
        message: "no".to_owned(),
        details: Vec::new(),
    };
    outcome(command, fresh(), position, OutcomeResult::refused(refused, None))
}

/// Returns a batch that appends after `expected_head`. Each event has its own command. The id of the command
/// is the id of the bid or aggregate that the event creates, or a fresh one.
pub fn batch(expected_head: u64, events: Vec<(Uuid, u64, Event)>) -> AppendBatch {
    let mut append = AppendBatch { partition: P, expected_head, events: Vec::new(), outcomes: Vec::new() };
    for (n, (key, version, event)) in events.into_iter().enumerate() {
        let cause = CommandId(match &event {
            Event::Auction(AuctionEvent::BidPlaced { bid, .. }) => bid.0,
            _ if version == 1 => key,
            _ => fresh(),
        });
        let position = expected_head + n as u64 + 1;
        append.outcomes.push(outcome(
            cause,
            key,
            position,
            OutcomeResult::accepted(version, None, Vec::new()),
        ));
        let record = record(position, key, version, &event, cause);
        append.events.push(NewEvent { record, event, actor: Actor::Operator(OperatorId::Unidentified) });
    }
    append
}

pub fn record(position: u64, key: Uuid, version: u64, event: &Event, cause: CommandId) -> EventRecord {
    EventRecord {
        position,
        key,
        version,
        kind: event.kind().to_owned(),
        schema: event.schema(),
        at: AT,
        cause,
        trace: String::new(),
        body: event.encode(),
    }
}

/// Returns `count` events with the positions after `after`, each of another user.
pub fn records(after: u64, count: u64) -> Vec<EventRecord> {
    let of = |position| {
        let id = fresh();
        record(position, id, 1, &user_created(), CommandId(id))
    };
    (after + 1..=after + count).map(of).collect()
}
