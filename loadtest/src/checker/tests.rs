//! The judge on trial: what is right passes, and whatever is wrong is found.

use super::evidence::Partition;
use super::{RunEvidence, judge};
use crate::run::history::{OperationLog, Record};
use crate::run::ids::{RunIds, fingerprint_of};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use auction_domain::auction::{AuctionEvent, Winner};
use auction_domain::{BidId, Details, Refused, RefusedClass, Timestamp, UserId};
use auction_testkit::fixtures::{self, amount};
use auction_wire::notification::{Notification, NotificationBody as Told, NotificationContent};
use auction_wire::time::JsonTime;
use auction_wire::{CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use uuid::Uuid;

const HOLES: &str = "positions and versions have no holes and no repeats";
const ONE_OUTCOME: &str = "every command has one outcome";
const SAME: &str = "every answer is the outcome, also when it was asked for again";
const ONCE: &str = "every accepted bid is in the events once, as it was placed";
const NOBODYS: &str = "there are no bids that nobody placed";
const RULES: &str = "every auction went by the rules";
const MODEL: &str = "every outcome is what a plain model of the rules comes to";
const RESULTS: &str = "every result is the right one";
const WON: &str = "every winner was told once, and nothing was told twice";
const LEADS: &str = "changes of the lead were told by the plain model (small auctions)";
const ORDER: &str = "commands for one auction were decided in the order in which they came";
const UNKEYED: &str = "refusals without a key are stored as they were answered";

/// An auction: Ada bids 150, Bob 140, Ada 120, which is refused; Bob takes his bid back; Ada wins.
struct Trial {
    world: RunIds,
    journal: OperationLog,
    events: Vec<EventRecord>,
    head: u64,
    outcomes: Vec<Outcome>,
    told: Vec<(UserId, Notification)>,
}

const ADA: u32 = 0;
const BOB: u32 = 1;

fn ask(what: Operation, user: u32, amount: u64, key: u32) -> PlannedRequest {
    PlannedRequest { due: 0, what, user, auction: 0, amount, key }
}

fn refused(code: &'static str) -> OutcomeResult {
    let (class, detail, facts) = (RefusedClass::Conflict, String::new(), Details::new());
    OutcomeResult::refused(Refused { code, class, detail, facts }, None)
}

fn accepted(version: u64) -> OutcomeResult {
    OutcomeResult::accepted(version, None, Details::new())
}

impl Trial {
    fn new() -> Trial {
        let id = Uuid::from_u128;
        let world = RunIds { users: vec![id(1), id(2)], auctions: vec![id(3)], began: Timestamp(0) };
        let mut trial = Trial {
            world,
            journal: OperationLog::default(),
            events: Vec::new(),
            head: 0,
            outcomes: Vec::new(),
            told: Vec::new(),
        };
        trial.happen(fixtures::auction_created(None), fixtures::AT);
        trial.ask(ask(Operation::Bid, ADA, 150, 1), 201, accepted(2));
        trial.place(ADA, 150, 1);
        trial.ask(ask(Operation::Unwaited, BOB, 140, 2), 202, accepted(3));
        trial.place(BOB, 140, 2);
        trial.ask(ask(Operation::Illegal, ADA, 120, 3), 409, refused("not_above_your_latest"));
        trial.ask(ask(Operation::Deletion, BOB, 140, 2), 200, accepted(4));
        let (bid, bidder) = (trial.bid(BOB, 2), UserId(trial.world.users[1]));
        trial.happen(Event::Auction(AuctionEvent::BidDeleted { bid, bidder }), fixtures::AT);
        trial.announce(ADA, 1, 150);
        // The outcome of each is as of the events before it, as a writer notes it.
        let positions = [2, 3, 3, 4];
        trial.outcomes.iter_mut().zip(positions).for_each(|(outcome, position)| outcome.position = position);
        trial
    }

    fn bid(&self, user: u32, key: u32) -> BidId {
        BidId(self.world.bid_with_key(&ask(Operation::Bid, user, 0, key)).unwrap())
    }

    fn ask(&mut self, ask: PlannedRequest, status: u16, result: OutcomeResult) {
        let command = self.world.command(&ask).unwrap();
        let (code, version) = match &result {
            OutcomeResult::Refused { code, .. } => (self.journal.codes.number(code), 0),
            OutcomeResult::Accepted { version, .. } => (0, *version),
            OutcomeResult::Failed { .. } => (0, 0),
        };
        let version = if status == 202 { 0 } else { version };
        self.journal.records.push(Record {
            ask,
            held: 0,
            took: 1,
            status,
            code,
            version,
            command: command.0,
        });
        let fingerprint = fingerprint_of(ask.amount);
        let outcome = fixtures::outcome(command, self.world.auctions[0], 0, result);
        self.outcomes.push(Outcome { fingerprint, ..outcome });
    }

    fn place(&mut self, user: u32, face: u64, key: u32) {
        let event = fixtures::bid_placed(self.bid(user, key), UserId(self.world.users[user as usize]), face);
        self.happen(event, fixtures::AT);
    }

    fn happen(&mut self, event: Event, at: Timestamp) {
        self.head += 1;
        let (key, cause) = (self.world.auctions[0], CommandId(Uuid::nil()));
        self.events.push(EventRecord { at, ..fixtures::record(self.head, key, self.head, &event, cause) });
    }

    fn announce(&mut self, user: u32, key: u32, face: u64) {
        let (bid, bidder) = (self.bid(user, key), UserId(self.world.users[user as usize]));
        let winner = Winner { bid, bidder, pays: amount(face), effective: amount(face) };
        self.happen(Event::Auction(AuctionEvent::WinnerAnnounced(winner)), fixtures::END);
        let money = || auction_wire::api::Money { amount: face, currency: "USD".to_owned() };
        let news = NotificationContent {
            at: JsonTime(fixtures::END),
            auction: self.world.auctions[0],
            title: String::new(),
            version: self.head,
            what: Told::AuctionWon { bid: bid.0, pays: money(), counts_for: money() },
        };
        let notification = Notification { cursor: String::new(), read: false, id: Uuid::from_u128(9), news };
        self.told = vec![(bidder, notification)];
    }

    /// Puts events where they belong, as if there had never been others.
    fn renumber(&mut self) {
        for (event, n) in self.events.iter_mut().zip(1..) {
            (event.position, event.version) = (n, n);
        }
        self.head = self.events.len() as u64;
    }

    /// The checks that are not passed.
    fn wrong(&self) -> Vec<&'static str> {
        let events = self.events.clone();
        let partition = Partition { id: PartitionId(0), before: 0, head: self.head, events };
        let evidence = RunEvidence {
            world: &self.world,
            journal: &self.journal,
            partitions: vec![partition],
            outcomes: self.outcomes.clone(),
            told: Some(self.told.clone()),
            until_closed: true,
        };
        judge(&evidence).iter().filter(|check| !check.is_right()).map(|check| check.name).collect()
    }
}

/// What is found when something is made wrong.
fn found(wrong: impl FnOnce(&mut Trial)) -> Vec<&'static str> {
    let mut trial = Trial::new();
    wrong(&mut trial);
    trial.wrong()
}

#[test]
fn what_is_right_passes_and_every_check_has_looked() {
    assert_eq!(found(|_| {}), Vec::<&str>::new());
}

#[test]
fn a_wrong_outcome_is_found() {
    assert_eq!(found(|trial| trial.outcomes[0].result = accepted(7)), [SAME]);
    assert!(found(|trial| trial.outcomes[0].result = refused("auction_ended")).contains(&SAME));
    assert!(found(|trial| trial.outcomes[2].result = accepted(3)).contains(&SAME));
    let other_payload = found(|trial| trial.outcomes[0].fingerprint = fingerprint_of(151));
    assert!(other_payload.contains(&SAME), "{other_payload:?}");
}

#[test]
fn a_missing_outcome_and_a_second_one_are_found() {
    assert!(found(|trial| drop(trial.outcomes.remove(1))).contains(&ONE_OUTCOME), "of a bid that was taken");
    assert!(found(|trial| trial.outcomes.push(trial.outcomes[0].clone())).contains(&ONE_OUTCOME));
}

#[test]
fn an_order_that_was_not_kept_is_found() {
    let early = |trial: &mut Trial, n: usize| trial.outcomes[n].at.0 -= 1;
    for n in [1, 2, 3] {
        assert!(found(|trial| early(trial, n)).contains(&ORDER), "{n}");
    }
    assert!(!found(|trial| early(trial, 0)).contains(&ORDER), "the first may be as early as it likes");
}

#[test]
fn a_lost_bid_is_found() {
    let lost = found(|trial| {
        trial.events.remove(1);
        trial.renumber();
    });
    assert!(lost.contains(&ONCE) && lost.contains(&RESULTS), "{lost:?}");
}

#[test]
fn a_doubled_bid_is_found() {
    let doubled = found(|trial| {
        trial.events.insert(2, trial.events[1].clone());
        trial.renumber();
    });
    assert!(doubled.contains(&ONCE) && doubled.contains(&RULES), "{doubled:?}");
}

#[test]
fn a_bid_of_another_amount_and_one_that_nobody_placed_are_found() {
    let other = found(|trial| {
        let event = fixtures::bid_placed(trial.bid(ADA, 1), UserId(trial.world.users[0]), 151);
        trial.events[1].body = event.encode();
    });
    assert!(other.contains(&ONCE), "{other:?}");
    let nobodys = found(|trial| {
        let event = fixtures::bid_placed(BidId(Uuid::from_u128(77)), UserId(trial.world.users[1]), 145);
        let record = fixtures::record(0, trial.world.auctions[0], 0, &event, CommandId(Uuid::nil()));
        trial.events.insert(3, record);
        trial.renumber();
        trial.outcomes[3].position += 1;
    });
    assert!(nobodys.contains(&NOBODYS), "{nobodys:?}");
}

#[test]
fn a_wrong_winner_and_a_missing_result_are_found() {
    let wrong = found(|trial| {
        trial.events.pop();
        trial.head -= 1;
        trial.announce(BOB, 2, 140);
    });
    assert!(wrong.contains(&RESULTS), "{wrong:?}");
    let missing = found(|trial| {
        trial.events.pop();
        trial.head -= 1;
    });
    assert!(missing.contains(&RESULTS) && missing.contains(&WON), "{missing:?}");
    let early = found(|trial| trial.events.last_mut().unwrap().at = fixtures::AT);
    assert!(early.contains(&RESULTS), "{early:?}");
}

#[test]
fn a_hole_is_found() {
    let hole = found(|trial| drop(trial.events.remove(2)));
    assert!(hole.contains(&HOLES), "{hole:?}");
    assert_eq!(found(|trial| trial.head += 1), [HOLES], "the newest event is missing");
}

#[test]
fn a_refusal_that_is_not_right_is_found() {
    // Of 160, which is above everything that Ada bid.
    let unjust = found(|trial| {
        trial.journal.records[2].ask.amount = 160;
        trial.outcomes[2].fingerprint = fingerprint_of(160);
    });
    assert_eq!(unjust, [MODEL]);
    let another = found(|trial| {
        trial.journal.records[2].code = trial.journal.codes.number("below_opening_bid");
        trial.outcomes[2].result = refused("below_opening_bid");
    });
    assert_eq!(another, [MODEL], "for another reason");
}

#[test]
fn a_bid_that_had_to_be_refused_is_found() {
    let unjust = found(|trial| {
        trial.events.insert(2, {
            let event = fixtures::bid_placed(trial.bid(ADA, 3), UserId(trial.world.users[0]), 120);
            fixtures::record(0, trial.world.auctions[0], 0, &event, CommandId(Uuid::nil()))
        });
        trial.renumber();
    });
    assert!(unjust.contains(&RULES), "{unjust:?}");
}

#[test]
fn a_refusal_without_a_key_must_be_stored() {
    let lost = found(|trial| {
        let record = Record { command: Uuid::nil(), ..trial.journal.records[2] };
        trial.journal.records.push(record);
    });
    assert_eq!(lost, [UNKEYED]);
}

#[test]
fn a_winner_who_was_not_told_or_twice_is_found() {
    let never = found(|trial| trial.told.clear());
    assert_eq!(never, [WON, LEADS]);
    let twice = found(|trial| trial.told.push(trial.told[0].clone()));
    assert!(twice.contains(&WON), "{twice:?}");
    let another = found(|trial| trial.told[0].0 = UserId(trial.world.users[1]));
    assert!(another.contains(&WON), "{another:?}");
}
