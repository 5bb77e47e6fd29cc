//! Draws as the promoter holds them, and what is found out when any of it is changed afterwards.

use auction_app::promoter::verify::{DrawAudit, DrawsReport, verify_history};
use auction_app::promoter::{CurrentOptions, DrawCommitments, DrawSecret, Options, PromotedAuction};
use auction_domain::auction::{
    Auction, AuctionCommand, AuctionEvent, CloseAuction, CreateAuction, Draw, HoldDraw, PlaceBid, RevealSeed,
    Seed,
};
use auction_domain::promoter::{PROMOTER_SETTINGS, PromoterEvent};
use auction_domain::{
    Actor, Amount, AuctionId, BidId, Currency, Description, DurationMs, Timestamp, Title, UserId,
};
use auction_wire::{CommandId, Event, EventRecord};
use std::sync::Arc;
use uuid::Uuid;

const START: Timestamp = Timestamp(1_000_000);
const AUCTION: AuctionId = AuctionId(Uuid::from_u128(0xa0c));
const OPTIONS: &str = r#"[{"every_ms":10000},{"weigh_by":"amount"}]"#;

/// One auction, decided as a writer would, with all its events.
struct World {
    promises: DrawCommitments,
    auction: Option<Auction>,
    promoted: Option<PromotedAuction>,
    history: Vec<EventRecord>,
    options: Options,
    serial: u128,
}

impl World {
    /// An auction of a minute with a draw every ten seconds, on which five people bid twice each.
    fn new() -> World {
        let options = Options::read(OPTIONS, 1).unwrap();
        let secret = DrawSecret::new(&[7; 32]).unwrap();
        let promises = DrawCommitments::new(secret, Arc::new(CurrentOptions::new(options.clone())));
        let mut world =
            World { promises, auction: None, promoted: None, history: Vec::new(), options, serial: 0 };
        let create = CreateAuction {
            title: Title::new("A thing").unwrap(),
            description: Description::new("").unwrap(),
            currency: Currency::new("EUR").unwrap(),
            opening_bid: Amount::new(1).unwrap(),
            reserve: None,
            starts_at: None,
            ends_at: START + DurationMs::seconds(60),
            seller: None,
            soft_close: None,
            retraction_lock: DurationMs(0),
            promotion: Some(world.promises.of(AUCTION)),
        };
        world.send(AuctionCommand::CreateAuction(Box::new(create)), 0);
        for n in 0..10u32 {
            let (id, bidder) =
                (Uuid::from_u128(100 + u128::from(n)), UserId(Uuid::from_u128(u128::from(n % 5))));
            let amount = Amount::new(u64::from(n) * 10 + 10).unwrap();
            world.send(AuctionCommand::PlaceBid(PlaceBid { bid: BidId(id), bidder, amount }), 1000 + n);
        }
        world
    }

    /// The same, to its end: of the draws the third is missed.
    fn whole() -> World {
        let mut world = World::new();
        [1, 2, 4, 5].into_iter().for_each(|number| world.draw(number));
        world.send(AuctionCommand::CloseAuction(CloseAuction), 60_000);
        let seed = world.promises.seed(AUCTION);
        world.send(AuctionCommand::RevealSeed(RevealSeed { seed }), 60_100);
        world
    }

    fn send(&mut self, command: AuctionCommand, after: u32) {
        let at = START + DurationMs(after);
        let events = command.decide(self.auction.as_ref(), Actor::Portal, None, at).unwrap();
        self.serial += 1;
        for event in events {
            Auction::apply(&mut self.auction, &event, at);
            match &mut self.promoted {
                Some(promoted) => promoted.apply(&event, at),
                None => self.promoted = PromotedAuction::created(AUCTION, &event, at),
            }
            let event = Event::Auction(event);
            let position = self.history.len() as u64 + 1;
            let cause = CommandId(Uuid::from_u128(self.serial));
            self.history.push(record(position, AUCTION.0, position, &event, at, cause));
        }
    }

    /// Holds a draw a moment after it is due.
    fn draw(&mut self, number: u64) {
        let look = self.promoted.as_ref().unwrap().draw_input(number);
        let draw = look.hold(&self.options, self.promises.seed(AUCTION)).unwrap();
        let after = number as u32 * 10_000 + 5;
        self.send(AuctionCommand::HoldDraw(HoldDraw { draw: Box::new(draw) }), after);
    }

    fn verify(&self) -> DrawsReport {
        verify(&self.history)
    }

    /// Changes every event for which there is another one, and numbers what is left anew.
    fn tampered(&self, change: impl Fn(AuctionEvent) -> Option<AuctionEvent>) -> DrawsReport {
        let mut history = Vec::new();
        for old in &self.history {
            let Event::Auction(event) = old.event().unwrap() else { panic!("of the auction") };
            if let Some(event) = change(event) {
                let position = history.len() as u64 + 1;
                history.push(record(position, old.key, position, &Event::Auction(event), old.at, old.cause));
            }
        }
        assert_ne!(history, self.history, "something was changed");
        verify(&history)
    }
}

fn record(
    position: u64,
    key: Uuid,
    version: u64,
    event: &Event,
    at: Timestamp,
    cause: CommandId,
) -> EventRecord {
    EventRecord {
        position,
        key,
        version,
        kind: event.kind().to_owned(),
        schema: event.schema(),
        at,
        cause,
        trace: String::new(),
        body: event.encode(),
    }
}

fn verify(history: &[EventRecord]) -> DrawsReport {
    let options = Options::read(OPTIONS, 1).unwrap().text().clone();
    let set = Event::Promoter(PromoterEvent::PromoterSettingsChanged { options });
    let settings = record(1, PROMOTER_SETTINGS, 1, &set, Timestamp(0), CommandId(Uuid::nil()));
    verify_history(AUCTION, history, &[settings]).unwrap()
}

/// Something is wrong, and it is told what.
#[track_caller]
fn is_found(report: &DrawsReport, what: &str) {
    assert_eq!(report.verdict(), DrawAudit::Wrong, "{report:?}");
    assert!(report.findings.iter().any(|finding| finding.contains(what)), "{what}: {:?}", report.findings);
}

fn held(event: AuctionEvent, number: u64, change: impl Fn(&mut Draw)) -> AuctionEvent {
    match event {
        AuctionEvent::DrawHeld(mut draw) if draw.number == number => {
            change(&mut draw);
            AuctionEvent::DrawHeld(draw)
        }
        other => other,
    }
}

#[test]
fn draws_that_were_held_as_promised_are_right() {
    let report = World::whole().verify();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.verdict(), DrawAudit::Right);
    assert_eq!(report.missed, [(3, 3)]);
    assert_eq!(report.draws.iter().map(|draw| draw.number).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert!(report.draws.iter().all(|draw| draw.chosen.is_some()));
}

#[test]
fn before_the_end_who_was_drawn_cannot_be_told() {
    let mut world = World::new();
    world.draw(1);
    assert_eq!(world.verify().verdict(), DrawAudit::NotRevealed);
    let not_promoted = verify(&[]);
    assert_eq!(not_promoted.verdict(), DrawAudit::NotPromoted);
}

#[test]
fn the_seed_is_in_no_event_before_the_auction_is_over() {
    let world = World::whole();
    let seed = world.promises.seed(AUCTION).to_string();
    let has_it = |record: &EventRecord| record.body.windows(64).any(|part| part == seed.as_bytes());
    let first = world.history.iter().position(has_it).unwrap();
    assert_eq!(world.history[first].kind, "seed_revealed");
    let closed = world.history.iter().position(|record| record.kind == "winner_announced").unwrap();
    assert!(closed < first);
}

#[test]
fn a_changed_bid_is_caught() {
    let amount = Amount::new(11).unwrap();
    let report = World::whole().tampered(|event| {
        Some(match event {
            AuctionEvent::BidPlaced { bid, bidder, .. } if bid.0.as_u128() == 103 => {
                AuctionEvent::BidPlaced { bid, bidder, amount }
            }
            other => other,
        })
    });
    assert_eq!(report.verdict(), DrawAudit::Wrong);
    assert!(report.findings.len() >= 4, "of every draw: {:?}", report.findings);
}

#[test]
fn a_bid_that_was_put_in_or_taken_out_is_caught() {
    let world = World::whole();
    let chosen: Vec<BidId> = world.verify().draws.iter().filter_map(|draw| draw.chosen).collect();
    let other = (100..110).map(|n| BidId(Uuid::from_u128(n))).find(|bid| !chosen.contains(bid)).unwrap();
    let report = world.tampered(|event| match event {
        AuctionEvent::BidPlaced { bid, .. } if bid == other => None,
        event => Some(event),
    });
    is_found(&report, "it was due at");
}

#[test]
fn a_changed_choice_is_caught() {
    let world = World::whole();
    let first = world.verify().draws[0].chosen.unwrap();
    let other = BidId(Uuid::from_u128(if first.0.as_u128() == 100 { 101 } else { 100 }));
    // The doubling is changed with it.
    let report = world.tampered(|event| {
        Some(match held(event, 1, |draw| draw.chosen = Some(other)) {
            AuctionEvent::BidDoubled { bid, bidder, effective } if bid == first => {
                AuctionEvent::BidDoubled { bid: other, bidder, effective }
            }
            event => event,
        })
    });
    is_found(&report, "draw 1 must find");
    let nobody = world.tampered(|event| match held(event, 1, |draw| draw.chosen = None) {
        AuctionEvent::BidDoubled { bid, .. } if bid == first => None,
        event => Some(event),
    });
    is_found(&nobody, "it was due at");
}

#[test]
fn another_seed_is_caught() {
    let report = World::whole().tampered(|event| {
        Some(match event {
            AuctionEvent::SeedRevealed { .. } => AuctionEvent::SeedRevealed { seed: Seed([9; 32]) },
            event => event,
        })
    });
    is_found(&report, "the seed is not the one");
}

#[test]
fn a_draw_that_is_not_on_record_is_caught() {
    let world = World::whole();
    for missing in [1, 2, 4, 5] {
        let report = world.tampered(|event| match event {
            AuctionEvent::DrawHeld(draw) if draw.number == missing => None,
            event => Some(event),
        });
        is_found(&report, "");
        let gap = report
            .findings
            .iter()
            .any(|finding| finding.contains("is not on record") || finding.contains("there must be 5 draws"));
        assert!(gap, "{:?}", report.findings);
    }
    let missed =
        world.tampered(|event| (!matches!(event, AuctionEvent::DrawsMissed { .. })).then_some(event));
    is_found(&missed, "is not on record");
}

#[test]
fn an_event_that_is_not_there_is_caught() {
    let mut world = World::whole();
    world.history.remove(5);
    is_found(&world.verify(), "is not there");
}

#[test]
fn other_options_or_another_proof_are_caught() {
    let world = World::whole();
    let options = Options::read(r#"["never_the_leader"]"#, 0).unwrap().text().clone();
    let other_options = world.tampered(|event| Some(held(event, 2, |draw| draw.options = options.clone())));
    is_found(&other_options, "was not held by version 1 of the settings");
    let hidden = world.tampered(|event| {
        Some(held(event, 2, |draw| {
            draw.options = options.clone();
            draw.settings_version = 0;
        }))
    });
    is_found(&hidden, "when 1 held for long");
    let proof = world.tampered(|event| Some(held(event, 2, |draw| draw.proof.0[0] ^= 1)));
    is_found(&proof, "draw 2 looked at something else");
    let eligible = world.tampered(|event| Some(held(event, 2, |draw| draw.eligible += 1)));
    is_found(&eligible, "draw 2 is among");
    let version = world.tampered(|event| Some(held(event, 2, |draw| draw.at_version -= 1)));
    is_found(&version, "it was due at");
}

#[test]
fn a_bid_that_was_doubled_without_being_drawn_is_caught() {
    let world = World::whole();
    let first = world.verify().draws[0].chosen.unwrap();
    let never_doubled = world.tampered(|event| match event {
        AuctionEvent::BidDoubled { bid, .. } if bid == first => None,
        event => Some(event),
    });
    is_found(&never_doubled, "was drawn and not doubled");
    let instead = world.tampered(|event| match event {
        AuctionEvent::DrawsMissed { .. } => {
            let (bid, bidder) = (BidId(Uuid::from_u128(104)), UserId(Uuid::from_u128(4)));
            Some(AuctionEvent::BidDoubled { bid, bidder, effective: Amount::new(100).unwrap() })
        }
        event => Some(event),
    });
    is_found(&instead, "was doubled without being drawn");
}

#[test]
fn a_draw_looks_at_what_was_when_it_became_due_whenever_it_is_held() {
    let mut early = World::new();
    let at_once = early.promoted.as_ref().unwrap().draw_input(1);
    let late_bid = PlaceBid {
        bid: BidId(Uuid::from_u128(999)),
        bidder: UserId(Uuid::from_u128(9)),
        amount: Amount::new(5000).unwrap(),
    };
    early.send(AuctionCommand::PlaceBid(late_bid), 10_001);
    assert_eq!(early.promoted.as_ref().unwrap().draw_input(1), at_once);
    assert_ne!(early.promoted.as_ref().unwrap().draw_input(2), at_once);
    early.draw(1);
    assert_eq!(early.verify().verdict(), DrawAudit::NotRevealed);
}
