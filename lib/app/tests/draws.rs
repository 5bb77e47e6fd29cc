//! Tests of draws and their audit: every later change of the events is detected.

use auction_app::promoter::verify::{DrawAudit, DrawsReport, verify_history};
use auction_app::promoter::{CurrentOptions, DrawCommitments, DrawOptions, DrawSecret, PromotedAuction};
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
const OPTIONS: &str = r#"[{"interval_ms":10000},{"weigh_by":"amount"}]"#;

/// Auction that is decided as a writer does, with all its events.
struct Fixture {
    commitments: DrawCommitments,
    auction: Option<Auction>,
    promoted: Option<PromotedAuction>,
    history: Vec<EventRecord>,
    options: DrawOptions,
    serial: u128,
}

impl Fixture {
    /// Creates an auction of one minute with a draw every ten seconds, and two bids each of five users.
    fn new() -> Fixture {
        let options = DrawOptions::read(OPTIONS, 1).unwrap();
        let secret = DrawSecret::new(&[7; 32]).unwrap();
        let commitments = DrawCommitments::new(secret, Arc::new(CurrentOptions::new(options.clone())));
        let mut fixture =
            Fixture { commitments, auction: None, promoted: None, history: Vec::new(), options, serial: 0 };
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
            promotion: Some(fixture.commitments.of(AUCTION)),
        };
        fixture.send(AuctionCommand::CreateAuction(Box::new(create)), 0);
        for n in 0..10u32 {
            let (id, bidder) =
                (Uuid::from_u128(100 + u128::from(n)), UserId(Uuid::from_u128(u128::from(n % 5))));
            let amount = Amount::new(u64::from(n) * 10 + 10).unwrap();
            fixture.send(AuctionCommand::PlaceBid(PlaceBid { bid: BidId(id), bidder, amount }), 1000 + n);
        }
        fixture
    }

    /// Creates the auction and runs it to its end. The third draw is missed.
    fn finished() -> Fixture {
        let mut fixture = Fixture::new();
        [1, 2, 4, 5].into_iter().for_each(|number| fixture.draw(number));
        fixture.send(AuctionCommand::CloseAuction(CloseAuction), 60_000);
        let seed = fixture.commitments.seed(AUCTION);
        fixture.send(AuctionCommand::RevealSeed(RevealSeed { seed }), 60_100);
        fixture
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

    /// Holds a draw 5 ms after it is due.
    fn draw(&mut self, number: u64) {
        let input = self.promoted.as_ref().unwrap().draw_input(number);
        let draw = input.hold(&self.options, self.commitments.seed(AUCTION)).unwrap();
        let after = number as u32 * 10_000 + 5;
        self.send(AuctionCommand::HoldDraw(HoldDraw { draw: Box::new(draw) }), after);
    }

    fn verify(&self) -> DrawsReport {
        verify(&self.history)
    }

    /// Verifies a changed history. `change` returns the replacement of an event, or removes it; the remaining
    /// events are renumbered.
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
    let options = DrawOptions::read(OPTIONS, 1).unwrap().text().clone();
    let set = Event::Promoter(PromoterEvent::PromoterSettingsChanged { options, by: None });
    let settings = record(1, PROMOTER_SETTINGS, 1, &set, Timestamp(0), CommandId(Uuid::nil()));
    verify_history(AUCTION, history, &[settings]).unwrap()
}

/// Asserts that the audit failed with this finding.
#[track_caller]
fn assert_finding(report: &DrawsReport, text: &str) {
    assert_eq!(report.audit(), DrawAudit::Wrong, "{report:?}");
    assert!(report.findings.iter().any(|finding| finding.contains(text)), "{text}: {:?}", report.findings);
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
fn draw_audit_accepts_unmodified_draws() {
    let report = Fixture::finished().verify();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.audit(), DrawAudit::Right);
    assert_eq!(report.missed, [(3, 3)]);
    assert_eq!(report.draws.iter().map(|draw| draw.number).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert!(report.draws.iter().all(|draw| draw.chosen.is_some()));
}

#[test]
fn draw_audit_is_incomplete_before_the_seed_is_revealed() {
    let mut fixture = Fixture::new();
    fixture.draw(1);
    assert_eq!(fixture.verify().audit(), DrawAudit::NotRevealed);
    let not_promoted = verify(&[]);
    assert_eq!(not_promoted.audit(), DrawAudit::NotPromoted);
}

#[test]
fn seed_is_in_no_event_before_the_auction_is_over() {
    let fixture = Fixture::finished();
    let seed = fixture.commitments.seed(AUCTION).to_string();
    let has_it = |record: &EventRecord| record.body.windows(64).any(|part| part == seed.as_bytes());
    let first = fixture.history.iter().position(has_it).unwrap();
    assert_eq!(fixture.history[first].kind, "seed_revealed");
    let closed = fixture.history.iter().position(|record| record.kind == "winner_announced").unwrap();
    assert!(closed < first);
}

#[test]
fn draw_audit_detects_a_changed_bid() {
    let amount = Amount::new(11).unwrap();
    let report = Fixture::finished().tampered(|event| {
        Some(match event {
            AuctionEvent::BidPlaced { bid, bidder, .. } if bid.0.as_u128() == 103 => {
                AuctionEvent::BidPlaced { bid, bidder, amount }
            }
            other => other,
        })
    });
    assert_eq!(report.audit(), DrawAudit::Wrong);
    assert!(report.findings.len() >= 4, "a finding for every draw: {:?}", report.findings);
}

#[test]
fn draw_audit_detects_a_removed_bid_or_selection() {
    let fixture = Fixture::finished();
    let chosen: Vec<BidId> = fixture.verify().draws.iter().filter_map(|draw| draw.chosen).collect();
    let other = (100..110).map(|n| BidId(Uuid::from_u128(n))).find(|bid| !chosen.contains(bid)).unwrap();
    let report = fixture.tampered(|event| match event {
        AuctionEvent::BidPlaced { bid, .. } if bid == other => None,
        event => Some(event),
    });
    assert_finding(&report, "instead of version");
}

#[test]
fn draw_audit_detects_a_changed_selection() {
    let fixture = Fixture::finished();
    let first = fixture.verify().draws[0].chosen.unwrap();
    let other = BidId(Uuid::from_u128(if first.0.as_u128() == 100 { 101 } else { 100 }));
    // The doubling is changed with it.
    let report = fixture.tampered(|event| {
        Some(match held(event, 1, |draw| draw.chosen = Some(other)) {
            AuctionEvent::BidDoubled { bid, bidder, effective } if bid == first => {
                AuctionEvent::BidDoubled { bid: other, bidder, effective }
            }
            event => event,
        })
    });
    assert_finding(&report, "draw 1 must select");
    let no_selection = fixture.tampered(|event| match held(event, 1, |draw| draw.chosen = None) {
        AuctionEvent::BidDoubled { bid, .. } if bid == first => None,
        event => Some(event),
    });
    assert_finding(&no_selection, "instead of version");
}

#[test]
fn draw_audit_detects_another_seed() {
    let report = Fixture::finished().tampered(|event| {
        Some(match event {
            AuctionEvent::SeedRevealed { .. } => AuctionEvent::SeedRevealed { seed: Seed([9; 32]) },
            event => event,
        })
    });
    assert_finding(&report, "the seed does not match");
}

#[test]
fn draw_audit_detects_a_missing_draw() {
    let fixture = Fixture::finished();
    for missing in [1, 2, 4, 5] {
        let report = fixture.tampered(|event| match event {
            AuctionEvent::DrawHeld(draw) if draw.number == missing => None,
            event => Some(event),
        });
        assert_finding(&report, "");
        let gap = report.findings.iter().any(|finding| {
            finding.contains("are not recorded") || finding.contains("are recorded instead of 5")
        });
        assert!(gap, "{:?}", report.findings);
    }
    let missed =
        fixture.tampered(|event| (!matches!(event, AuctionEvent::DrawsMissed { .. })).then_some(event));
    assert_finding(&missed, "are not recorded");
}

#[test]
fn draw_audit_detects_a_missing_event() {
    let mut fixture = Fixture::finished();
    fixture.history.remove(5);
    assert_finding(&fixture.verify(), "is missing");
}

#[test]
fn draw_audit_detects_other_options_and_proofs() {
    let fixture = Fixture::finished();
    let options = DrawOptions::read(r#"["exclude_leader"]"#, 0).unwrap().text().clone();
    let other_options = fixture.tampered(|event| Some(held(event, 2, |draw| draw.options = options.clone())));
    assert_finding(&other_options, "refers to version 1 of the settings but used other options");
    let hidden = fixture.tampered(|event| {
        Some(held(event, 2, |draw| {
            draw.options = options.clone();
            draw.settings_version = 0;
        }))
    });
    assert_finding(&hidden, "which version 1 had replaced");
    let proof = fixture.tampered(|event| Some(held(event, 2, |draw| draw.proof.0[0] ^= 1)));
    assert_finding(&proof, "the proof of draw 2");
    let eligible = fixture.tampered(|event| Some(held(event, 2, |draw| draw.eligible += 1)));
    assert_finding(&eligible, "draw 2 has");
    let version = fixture.tampered(|event| Some(held(event, 2, |draw| draw.at_version -= 1)));
    assert_finding(&version, "instead of version");
}

#[test]
fn draw_audit_detects_wrong_doublings() {
    let fixture = Fixture::finished();
    let first = fixture.verify().draws[0].chosen.unwrap();
    let never_doubled = fixture.tampered(|event| match event {
        AuctionEvent::BidDoubled { bid, .. } if bid == first => None,
        event => Some(event),
    });
    assert_finding(&never_doubled, "was drawn but not doubled");
    let instead = fixture.tampered(|event| match event {
        AuctionEvent::DrawsMissed { .. } => {
            let (bid, bidder) = (BidId(Uuid::from_u128(104)), UserId(Uuid::from_u128(4)));
            Some(AuctionEvent::BidDoubled { bid, bidder, effective: Amount::new(100).unwrap() })
        }
        event => Some(event),
    });
    assert_finding(&instead, "was doubled but not drawn");
}

#[test]
fn draw_input_is_fixed_when_the_draw_becomes_due() {
    let mut early = Fixture::new();
    let input = early.promoted.as_ref().unwrap().draw_input(1);
    let late_bid = PlaceBid {
        bid: BidId(Uuid::from_u128(999)),
        bidder: UserId(Uuid::from_u128(9)),
        amount: Amount::new(5000).unwrap(),
    };
    early.send(AuctionCommand::PlaceBid(late_bid), 10_001);
    assert_eq!(early.promoted.as_ref().unwrap().draw_input(1), input);
    assert_ne!(early.promoted.as_ref().unwrap().draw_input(2), input);
    early.draw(1);
    assert_eq!(early.verify().audit(), DrawAudit::NotRevealed);
}
