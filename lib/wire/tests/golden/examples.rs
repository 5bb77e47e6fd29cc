//! One fixed example of every kind. What is here once stays: a changed kind gets a new version, and a
//! new example beside the old one.

use auction_domain::auction::{
    AuctionCommand, AuctionEvent, CancelAuction, CloseAuction, Commitment, CreateAuction, DeleteBid,
    DoubleBid, Draw, EndAuction, HoldDraw, PlaceBid, Promotion, Proof, RetractBids, RevealSeed, Seed,
    SoftClose, Terms, Unsold, VoidBid, Winner,
};
use auction_domain::promoter::{ChangePromoterSettings, PromoterCommand, PromoterEvent};
use auction_domain::user::{
    ChangeNotificationPreferences, CreateUser, DeleteUser, NotificationPreferences, UserCommand, UserEvent,
};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, DurationMs, PromoterOptions, Reason, Timestamp, Title,
    UserId,
};
use auction_wire::{Command, CommandBody, CommandId, Event, EventRecord};
use uuid::Uuid;

/// Names the kind of a value, and lists all names: a new variant does not compile without a name here,
/// and a name does not pass without a sample.
macro_rules! kinds {
    ($function:ident, $all:ident, $of:ty, $($pattern:pat => $name:literal,)+) => {
        pub(crate) fn $function(value: &$of) -> &'static str {
            match value { $($pattern => $name,)+ }
        }
        pub(crate) const $all: &[&str] = &[$($name,)+];
    };
}

kinds! { command_kind, COMMAND_KINDS, CommandBody,
    CommandBody::User(UserCommand::CreateUser(_)) => "create_user",
    CommandBody::User(UserCommand::DeleteUser(_)) => "delete_user",
    CommandBody::User(UserCommand::ChangeSubscriptions(_)) => "change_subscriptions",
    CommandBody::Auction(AuctionCommand::CreateAuction(_)) => "create_auction",
    CommandBody::Auction(AuctionCommand::PlaceBid(_)) => "place_bid",
    CommandBody::Auction(AuctionCommand::DeleteBid(_)) => "delete_bid",
    CommandBody::Auction(AuctionCommand::DoubleBid(_)) => "double_bid",
    CommandBody::Auction(AuctionCommand::VoidBid(_)) => "void_bid",
    CommandBody::Auction(AuctionCommand::RetractBids(_)) => "retract_bids",
    CommandBody::Auction(AuctionCommand::EndAuction(_)) => "end_auction",
    CommandBody::Auction(AuctionCommand::CancelAuction(_)) => "cancel_auction",
    CommandBody::Auction(AuctionCommand::CloseAuction(_)) => "close_auction",
    CommandBody::Auction(AuctionCommand::HoldDraw(_)) => "hold_draw",
    CommandBody::Auction(AuctionCommand::RevealSeed(_)) => "reveal_seed",
    CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(_)) => "change_promoter_settings",
}

kinds! { event_kind, EVENT_KINDS, Event,
    Event::User(UserEvent::UserCreated) => "user_created",
    Event::User(UserEvent::UserDeleted) => "user_deleted",
    Event::User(UserEvent::SubscriptionsChanged(_)) => "subscriptions_changed",
    Event::Auction(AuctionEvent::AuctionCreated { .. }) => "auction_created",
    Event::Auction(AuctionEvent::BidPlaced { .. }) => "bid_placed",
    Event::Auction(AuctionEvent::BidDeleted { .. }) => "bid_deleted",
    Event::Auction(AuctionEvent::BidDoubled { .. }) => "bid_doubled",
    Event::Auction(AuctionEvent::BidVoided { .. }) => "bid_voided",
    Event::Auction(AuctionEvent::BidsRetracted { .. }) => "bids_retracted",
    Event::Auction(AuctionEvent::AuctionExtended { .. }) => "auction_extended",
    Event::Auction(AuctionEvent::AuctionEnded { .. }) => "auction_ended",
    Event::Auction(AuctionEvent::AuctionCancelled) => "auction_cancelled",
    Event::Auction(AuctionEvent::WinnerAnnounced(_)) => "winner_announced",
    Event::Auction(AuctionEvent::AuctionClosedUnsold { .. }) => "auction_closed_unsold",
    Event::Auction(AuctionEvent::DrawHeld(_)) => "draw_held",
    Event::Auction(AuctionEvent::DrawsMissed { .. }) => "draws_missed",
    Event::Auction(AuctionEvent::SeedRevealed { .. }) => "seed_revealed",
    Event::Promoter(PromoterEvent::PromoterSettingsChanged { .. }) => "promoter_settings_changed",
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0000 + n)
}

fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).unwrap()
}

const ENDS_AT: Timestamp = Timestamp(1_795_372_200_000);
const SUBSCRIPTIONS: NotificationPreferences =
    NotificationPreferences { auction_won: true, highest_bid: false, bid_doubled: true };
const SOFT_CLOSE: SoftClose =
    SoftClose { extend_by: DurationMs(120_000), within: DurationMs(60_000), at_most: 5 };

const PROMOTION: Promotion = Promotion { every: DurationMs(600_000), commitment: Commitment([0xc0; 32]) };

fn draw() -> Draw {
    Draw {
        number: 3,
        at_version: 6,
        options: options(),
        settings_version: 2,
        eligible: 12,
        chosen: Some(BidId(id(4))),
        proof: Proof([0xab; 32]),
    }
}

fn options() -> PromoterOptions {
    PromoterOptions::new(r#"[{"every_ms":600000},"never_the_leader"]"#).unwrap()
}

fn command(actor: Actor, body: CommandBody) -> Command {
    Command {
        id: CommandId(id(1)),
        key: id(2),
        actor,
        expect: None,
        fingerprint: 0x00ab_cdef_0123_4567,
        reply: "ingress-1".to_owned(),
        trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        body,
    }
}

fn create_auction() -> CreateAuction {
    CreateAuction {
        title: Title::new("Armbanduhr “Tank”, 1962").unwrap(),
        description: Description::new("Gold.\nWith its box.").unwrap(),
        currency: Currency::new("EUR").unwrap(),
        opening_bid: amount(10_000),
        reserve: Some(amount(250_000)),
        starts_at: None,
        ends_at: ENDS_AT,
        seller: Some(UserId(id(3))),
        soft_close: Some(SOFT_CLOSE),
        retraction_lock: DurationMs(30_000),
        promotion: None,
    }
}

pub(crate) fn commands() -> Vec<Command> {
    let (ada, bid) = (UserId(id(3)), BidId(id(4)));
    let user = Actor::User(ada);
    let of_auction = |actor, body| command(actor, CommandBody::Auction(body));
    let place = PlaceBid { bid: BidId(id(1)), bidder: ada, amount: amount(12_345) };
    let void = VoidBid { bid, reason: Reason::new("mistyped").unwrap() };
    let change = ChangeNotificationPreferences { to: SUBSCRIPTIONS };
    let mut all = vec![
        command(user, CommandBody::User(UserCommand::CreateUser(CreateUser))),
        command(user, CommandBody::User(UserCommand::DeleteUser(DeleteUser))),
        command(user, CommandBody::User(UserCommand::ChangeSubscriptions(change))),
        of_auction(user, AuctionCommand::CreateAuction(Box::new(create_auction()))),
        of_auction(user, AuctionCommand::PlaceBid(place)),
        of_auction(user, AuctionCommand::DeleteBid(DeleteBid { bid })),
        of_auction(Actor::Portal, AuctionCommand::DoubleBid(DoubleBid { bid })),
        of_auction(Actor::Operator, AuctionCommand::VoidBid(void)),
        of_auction(Actor::Portal, AuctionCommand::RetractBids(RetractBids { bidder: ada })),
        of_auction(user, AuctionCommand::EndAuction(EndAuction)),
        of_auction(Actor::Operator, AuctionCommand::CancelAuction(CancelAuction)),
        of_auction(Actor::Portal, AuctionCommand::CloseAuction(CloseAuction)),
        of_auction(Actor::Portal, AuctionCommand::HoldDraw(HoldDraw { draw: Box::new(draw()) })),
        of_auction(Actor::Portal, AuctionCommand::RevealSeed(RevealSeed { seed: Seed([0x5e; 32]) })),
        command(
            Actor::Operator,
            CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(ChangePromoterSettings {
                options: options(),
            })),
        ),
    ];
    all[4].expect = Some(17);
    all
}

fn record(event: &Event) -> EventRecord {
    EventRecord {
        position: 42,
        key: id(2),
        version: 7,
        kind: event.kind().to_owned(),
        schema: event.schema(),
        at: Timestamp(1_795_372_100_123),
        cause: CommandId(id(1)),
        trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        body: event.encode(),
    }
}

fn auction_created(create: CreateAuction) -> AuctionEvent {
    AuctionEvent::AuctionCreated {
        title: create.title,
        description: create.description,
        terms: Terms {
            currency: create.currency,
            opening_bid: create.opening_bid,
            reserve: create.reserve,
            starts_at: Timestamp(1_795_372_100_123),
            ends_at: create.ends_at,
            seller: create.seller,
            soft_close: create.soft_close,
            retraction_lock: create.retraction_lock,
            promotion: create.promotion,
        },
    }
}

pub(crate) fn events() -> Vec<(Event, EventRecord)> {
    let (bid, bidder) = (BidId(id(4)), UserId(id(3)));
    let reason = Reason::new("mistyped").unwrap();
    let doubled = Amount::effective(2 * Amount::MAX.minor_units()).unwrap();
    let winner = Winner { bid, bidder, pays: amount(12_345), effective: amount(24_690) };
    let events = vec![
        Event::User(UserEvent::UserCreated),
        Event::User(UserEvent::UserDeleted),
        Event::User(UserEvent::SubscriptionsChanged(SUBSCRIPTIONS)),
        Event::Auction(auction_created(create_auction())),
        Event::Auction(AuctionEvent::BidPlaced { bid, bidder, amount: amount(12_345) }),
        Event::Auction(AuctionEvent::BidDeleted { bid, bidder }),
        Event::Auction(AuctionEvent::BidDoubled { bid, bidder, effective: doubled }),
        Event::Auction(AuctionEvent::BidVoided { bid, bidder, reason }),
        Event::Auction(AuctionEvent::BidsRetracted { bidder, bids: vec![bid, BidId(id(5))] }),
        Event::Auction(AuctionEvent::AuctionExtended { ends_at: ENDS_AT }),
        Event::Auction(AuctionEvent::AuctionEnded { ends_at: ENDS_AT }),
        Event::Auction(AuctionEvent::AuctionCancelled),
        Event::Auction(AuctionEvent::WinnerAnnounced(winner)),
        Event::Auction(AuctionEvent::AuctionClosedUnsold { because: Unsold::ReserveNotMet }),
        Event::Auction(AuctionEvent::DrawHeld(Box::new(draw()))),
        Event::Auction(AuctionEvent::DrawsMissed { first: 4, last: 9 }),
        Event::Auction(AuctionEvent::SeedRevealed { seed: Seed([0x5e; 32]) }),
        Event::Promoter(PromoterEvent::PromoterSettingsChanged { options: options() }),
    ];
    events.into_iter().map(|event| (event.clone(), record(&event))).collect()
}

/// What a kind looks like with what may be absent, where the example has it not; by the name of its sample.
pub(crate) fn more_commands() -> [(&'static str, Command); 1] {
    let create = CreateAuction { promotion: Some(PROMOTION), ..create_auction() };
    let create = AuctionCommand::CreateAuction(Box::new(create));
    let create = command(Actor::User(UserId(id(3))), CommandBody::Auction(create));
    [("command.create_auction.promoted.v1", create)]
}

/// The same of events.
pub(crate) fn more_events() -> [(&'static str, Event, EventRecord); 1] {
    let created = auction_created(CreateAuction { promotion: Some(PROMOTION), ..create_auction() });
    let created = Event::Auction(created);
    let stored = record(&created);
    [("event.auction_created.promoted.v1", created, stored)]
}
