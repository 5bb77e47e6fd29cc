//! Fixed values that the samples are made of.

use crate::{Command, CommandBody, CommandId, Event, EventRecord};
use auction_domain::auction::{
    AuctionCommand, AuctionEvent, Commitment, CreateAuction, Draw, Promotion, Proof, Seed, SoftClose, Terms,
};
use auction_domain::user::{NotificationKind, NotificationPreferences, UserCommand, UserEvent};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, DurationMs, PromoterOptions, Reason, Timestamp, Title,
    UserId,
};
use uuid::Uuid;

pub(crate) const USER: UserId = UserId(id(3));
pub(crate) const BID: BidId = BidId(id(4));
pub(crate) const SEED: Seed = Seed([0x5e; 32]);
pub(crate) const ENDS_AT: Timestamp = Timestamp(1_795_372_200_000);
const SOFT_CLOSE: SoftClose =
    SoftClose { extend_by: DurationMs(120_000), within: DurationMs(60_000), max_extensions: 5 };
pub(crate) const PROMOTION: Promotion =
    Promotion { interval: DurationMs(600_000), commitment: Commitment([0xc0; 32]) };

/// Command and the suffix of its sample's name: empty for the main sample of its kind.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) suffix: &'static str,
    pub(crate) command: Command,
}

impl Sample {
    pub(crate) fn of(actor: Actor, body: CommandBody) -> Sample {
        let command = Command {
            id: CommandId(id(1)),
            key: id(2),
            actor,
            expect: None,
            fingerprint: 0x00ab_cdef_0123_4567,
            reply: "ingress-1".to_owned(),
            trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            body,
        };
        Sample { suffix: "", command }
    }

    pub(crate) fn of_user(command: UserCommand) -> Sample {
        Sample::of(Actor::User(USER), CommandBody::User(command))
    }

    pub(crate) fn of_auction(actor: Actor, command: AuctionCommand) -> Sample {
        Sample::of(actor, CommandBody::Auction(command))
    }

    pub(crate) fn named(self, suffix: &'static str) -> Sample {
        Sample { suffix, ..self }
    }

    pub(crate) fn expecting(mut self, version: u64) -> Sample {
        self.command.expect = Some(version);
        self
    }
}

/// Event with its record, and the suffix of its sample's name: empty for the main sample of its kind.
#[derive(Clone)]
pub(crate) struct EventSample {
    pub(crate) suffix: &'static str,
    pub(crate) event: Event,
    pub(crate) record: EventRecord,
}

impl EventSample {
    pub(crate) fn of(event: Event) -> EventSample {
        let record = EventRecord {
            position: 42,
            key: id(2),
            version: 7,
            kind: event.kind().to_owned(),
            schema: event.schema(),
            at: Timestamp(1_795_372_100_123),
            cause: CommandId(id(1)),
            trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            body: event.encode(),
        };
        EventSample { suffix: "", event, record }
    }

    pub(crate) fn user(event: UserEvent) -> EventSample {
        EventSample::of(Event::User(event))
    }

    pub(crate) fn auction(event: AuctionEvent) -> EventSample {
        EventSample::of(Event::Auction(event))
    }

    pub(crate) fn named(self, suffix: &'static str) -> EventSample {
        EventSample { suffix, ..self }
    }
}

pub(crate) const fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0000 + n)
}

pub(crate) fn subscriptions() -> NotificationPreferences {
    NotificationPreferences::default().with(NotificationKind::HighestBid, false)
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).unwrap()
}

pub(crate) fn reason() -> Reason {
    Reason::new("mistyped").unwrap()
}

pub(crate) fn draw() -> Draw {
    Draw {
        number: 3,
        at_version: 6,
        options: options(),
        settings_version: 2,
        eligible: 12,
        chosen: Some(BID),
        proof: Proof([0xab; 32]),
    }
}

pub(crate) fn options() -> PromoterOptions {
    PromoterOptions::new(r#"[{"every_ms":600000},"never_the_leader"]"#).unwrap()
}

pub(crate) fn create_auction() -> CreateAuction {
    CreateAuction {
        title: Title::new("Armbanduhr “Tank”, 1962").unwrap(),
        description: Description::new("Gold.\nWith its box.").unwrap(),
        currency: Currency::new("EUR").unwrap(),
        opening_bid: amount(10_000),
        reserve: Some(amount(250_000)),
        starts_at: None,
        ends_at: ENDS_AT,
        seller: Some(USER),
        soft_close: Some(SOFT_CLOSE),
        retraction_lock: DurationMs(30_000),
        promotion: None,
    }
}

pub(crate) fn auction_created(promotion: Option<Promotion>) -> AuctionEvent {
    let create = create_auction();
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
            promotion,
        },
    }
}
