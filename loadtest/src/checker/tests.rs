//! Tests of the checker: correct data passes, and corrupted data is detected.

use super::evidence::Partition;
use super::{RunEvidence, run_checks};
use crate::run::history::{OperationLog, Record};
use crate::run::ids::{RunIds, fingerprint_of};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use auction_domain::auction::{AuctionEvent, Winner};
use auction_domain::{BidId, Details, RefusalClass, RefusalInfo, Timestamp, UserId};
use auction_testkit::fixtures::{self, amount};
use auction_wire::notification::{BidderStatus, Notification, NotificationBody, NotificationContent};
use auction_wire::time::JsonTime;
use auction_wire::{CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use uuid::Uuid;

const GAPS: &str = "positions and versions have no gaps and no repeats";
const ONE_OUTCOME: &str = "every command has one outcome";
const SAME: &str = "every response matches the stored outcome, also for repeated requests";
const ONCE: &str = "every accepted bid is stored once and unchanged";
const UNKNOWN_BIDS: &str = "all stored bids were requested";
const RULES: &str = "every auction event follows the rules";
const MODEL: &str = "every outcome matches the model of the rules";
const RESULTS: &str = "every auction result is correct";
const WON: &str = "every win and doubled bid is notified once, and no notification is repeated";
const LEADS: &str = "notifications of the highest bid match the model (small auctions)";
const ORDER: &str = "the commands of an auction are decided in arrival order";
const UNKEYED: &str = "refusals without a key match the stored outcomes";

/// Data of a run: Ada bids 150, Bob 140, Ada 120, which is refused; Bob deletes the bid of 140; Ada wins.
struct TestRun {
    run_ids: RunIds,
    log: OperationLog,
    events: Vec<EventRecord>,
    head: u64,
    outcomes: Vec<Outcome>,
    notifications: Vec<(UserId, Notification)>,
}

const ADA: u32 = 0;
const BOB: u32 = 1;

fn planned(operation: Operation, user: u32, amount: u64, key: u32) -> PlannedRequest {
    PlannedRequest { due: 0, operation, user, auction: 0, amount, key }
}

fn refused(code: &'static str) -> OutcomeResult {
    let (class, message, details) = (RefusalClass::Conflict, String::new(), Details::new());
    OutcomeResult::refused(RefusalInfo { code, class, message, details }, None)
}

fn accepted(version: u64) -> OutcomeResult {
    OutcomeResult::accepted(version, None, Details::new())
}

impl TestRun {
    fn new() -> TestRun {
        let id = Uuid::from_u128;
        let run_ids = RunIds { users: vec![id(1), id(2)], auctions: vec![id(3)], began: Timestamp(0) };
        let mut run = TestRun {
            run_ids,
            log: OperationLog::default(),
            events: Vec::new(),
            head: 0,
            outcomes: Vec::new(),
            notifications: Vec::new(),
        };
        run.append(fixtures::auction_created(None), fixtures::AT);
        run.record(planned(Operation::Bid, ADA, 150, 1), 201, accepted(2));
        run.place(ADA, 150, 1);
        run.record(planned(Operation::BidAsync, BOB, 140, 2), 202, accepted(3));
        run.place(BOB, 140, 2);
        run.record(planned(Operation::BidIllegal, ADA, 120, 3), 409, refused("not_above_your_latest"));
        run.record(planned(Operation::BidDelete, BOB, 140, 2), 200, accepted(4));
        let (bid, bidder) = (run.bid(BOB, 2), UserId(run.run_ids.users[1]));
        run.append(Event::Auction(AuctionEvent::BidDeleted { bid, bidder }), fixtures::AT);
        run.announce(ADA, 1, 150);
        // Each outcome has the position of the events before it, as the writer stores it.
        let positions = [2, 3, 3, 4];
        run.outcomes.iter_mut().zip(positions).for_each(|(outcome, position)| outcome.position = position);
        run
    }

    fn bid(&self, user: u32, key: u32) -> BidId {
        BidId(self.run_ids.bid_with_key(&planned(Operation::Bid, user, 0, key)).unwrap())
    }

    fn record(&mut self, request: PlannedRequest, status: u16, result: OutcomeResult) {
        let command = self.run_ids.command(&request).unwrap();
        let (code, version) = match &result {
            OutcomeResult::Refused { code, .. } => (self.log.codes.number(code), 0),
            OutcomeResult::Accepted { version, .. } => (0, *version),
            OutcomeResult::Failed { .. } => (0, 0),
        };
        let version = if status == 202 { 0 } else { version };
        self.log.records.push(Record {
            request,
            queued_us: 0,
            latency_us: 1,
            status,
            code,
            version,
            command: command.0,
        });
        let fingerprint = fingerprint_of(request.amount);
        let outcome = fixtures::outcome(command, self.run_ids.auctions[0], 0, result);
        self.outcomes.push(Outcome { fingerprint, ..outcome });
    }

    fn place(&mut self, user: u32, face: u64, key: u32) {
        let event =
            fixtures::bid_placed(self.bid(user, key), UserId(self.run_ids.users[user as usize]), face);
        self.append(event, fixtures::AT);
    }

    fn append(&mut self, event: Event, at: Timestamp) {
        self.head += 1;
        let (key, cause) = (self.run_ids.auctions[0], CommandId(Uuid::nil()));
        self.events.push(EventRecord { at, ..fixtures::record(self.head, key, self.head, &event, cause) });
    }

    fn announce(&mut self, user: u32, key: u32, face: u64) {
        let (bid, bidder) = (self.bid(user, key), UserId(self.run_ids.users[user as usize]));
        let winner = Winner { bid, bidder, price: amount(face), effective: amount(face) };
        self.append(Event::Auction(AuctionEvent::WinnerAnnounced(winner)), fixtures::END);
        let money = || auction_wire::api::Money { amount: face, currency: "USD".to_owned() };
        let news = NotificationContent {
            at: JsonTime(fixtures::END),
            auction: self.run_ids.auctions[0],
            title: String::new(),
            version: self.head,
            body: NotificationBody::AuctionWon { bid: bid.0, price: money(), counts_for: money() },
        };
        let notification =
            Notification { cursor: String::new(), read: false, id: Uuid::from_u128(9), content: news };
        self.notifications = vec![(bidder, notification)];
    }

    /// Numbers the events consecutively, as if no events had been inserted or removed.
    fn renumber(&mut self) {
        for (event, n) in self.events.iter_mut().zip(1..) {
            (event.position, event.version) = (n, n);
        }
        self.head = self.events.len() as u64;
    }

    /// Returns the names of the failed checks.
    fn failed_checks(&self) -> Vec<&'static str> {
        let events = self.events.clone();
        let partition = Partition { id: PartitionId(0), before: 0, head: self.head, events };
        let evidence = RunEvidence {
            run_ids: &self.run_ids,
            log: &self.log,
            partitions: vec![partition],
            outcomes: self.outcomes.clone(),
            notifications: Some(self.notifications.clone()),
            until_closed: true,
        };
        run_checks(&evidence).iter().filter(|check| !check.passed()).map(|check| check.name).collect()
    }
}

/// Returns the checks that fail after the data is corrupted.
fn failed_checks(corrupt: impl FnOnce(&mut TestRun)) -> Vec<&'static str> {
    let mut run = TestRun::new();
    corrupt(&mut run);
    run.failed_checks()
}

#[test]
fn correct_run_passes_all_checks() {
    assert_eq!(failed_checks(|_| {}), Vec::<&str>::new());
}

#[test]
fn checker_detects_wrong_outcomes() {
    assert_eq!(failed_checks(|run| run.outcomes[0].result = accepted(7)), [SAME]);
    assert!(failed_checks(|run| run.outcomes[0].result = refused("auction_ended")).contains(&SAME));
    assert!(failed_checks(|run| run.outcomes[2].result = accepted(3)).contains(&SAME));
    let other_payload = failed_checks(|run| run.outcomes[0].fingerprint = fingerprint_of(151));
    assert!(other_payload.contains(&SAME), "{other_payload:?}");
}

#[test]
fn checker_detects_missing_and_repeated_outcomes() {
    assert!(
        failed_checks(|run| drop(run.outcomes.remove(1))).contains(&ONE_OUTCOME),
        "outcome of an accepted bid"
    );
    assert!(failed_checks(|run| run.outcomes.push(run.outcomes[0].clone())).contains(&ONE_OUTCOME));
}

#[test]
fn checker_detects_commands_decided_out_of_order() {
    let early = |run: &mut TestRun, n: usize| run.outcomes[n].at.0 -= 1;
    for n in [1, 2, 3] {
        assert!(failed_checks(|run| early(run, n)).contains(&ORDER), "{n}");
    }
    assert!(!failed_checks(|run| early(run, 0)).contains(&ORDER), "the first command may be earlier");
}

#[test]
fn checker_detects_missing_bids() {
    let lost = failed_checks(|run| {
        run.events.remove(1);
        run.renumber();
    });
    assert!(lost.contains(&ONCE) && lost.contains(&RESULTS), "{lost:?}");
}

#[test]
fn checker_detects_repeated_bids() {
    let doubled = failed_checks(|run| {
        run.events.insert(2, run.events[1].clone());
        run.renumber();
    });
    assert!(doubled.contains(&ONCE) && doubled.contains(&RULES), "{doubled:?}");
}

#[test]
fn checker_detects_changed_and_unknown_bids() {
    let other = failed_checks(|run| {
        let event = fixtures::bid_placed(run.bid(ADA, 1), UserId(run.run_ids.users[0]), 151);
        run.events[1].body = event.encode();
    });
    assert!(other.contains(&ONCE), "{other:?}");
    let unknown = failed_checks(|run| {
        let event = fixtures::bid_placed(BidId(Uuid::from_u128(77)), UserId(run.run_ids.users[1]), 145);
        let record = fixtures::record(0, run.run_ids.auctions[0], 0, &event, CommandId(Uuid::nil()));
        run.events.insert(3, record);
        run.renumber();
        run.outcomes[3].position += 1;
    });
    assert!(unknown.contains(&UNKNOWN_BIDS), "{unknown:?}");
}

#[test]
fn checker_detects_wrong_and_missing_results() {
    let wrong = failed_checks(|run| {
        run.events.pop();
        run.head -= 1;
        run.announce(BOB, 2, 140);
    });
    assert!(wrong.contains(&RESULTS), "{wrong:?}");
    let missing = failed_checks(|run| {
        run.events.pop();
        run.head -= 1;
    });
    assert!(missing.contains(&RESULTS) && missing.contains(&WON), "{missing:?}");
    let early = failed_checks(|run| run.events.last_mut().unwrap().at = fixtures::AT);
    assert!(early.contains(&RESULTS), "{early:?}");
}

#[test]
fn checker_detects_gaps() {
    let gap = failed_checks(|run| drop(run.events.remove(2)));
    assert!(gap.contains(&GAPS), "{gap:?}");
    assert_eq!(failed_checks(|run| run.head += 1), [GAPS], "the newest event is missing");
}

#[test]
fn checker_detects_wrong_refusals() {
    // 160 is above every bid of Ada.
    let failed = failed_checks(|run| {
        run.log.records[2].request.amount = 160;
        run.outcomes[2].fingerprint = fingerprint_of(160);
    });
    assert_eq!(failed, [MODEL]);
    let another = failed_checks(|run| {
        run.log.records[2].code = run.log.codes.number("below_opening_bid");
        run.outcomes[2].result = refused("below_opening_bid");
    });
    assert_eq!(another, [MODEL], "another refusal code");
}

#[test]
fn checker_detects_bids_that_should_be_refused() {
    let failed = failed_checks(|run| {
        run.events.insert(2, {
            let event = fixtures::bid_placed(run.bid(ADA, 3), UserId(run.run_ids.users[0]), 120);
            fixtures::record(0, run.run_ids.auctions[0], 0, &event, CommandId(Uuid::nil()))
        });
        run.renumber();
    });
    assert!(failed.contains(&RULES), "{failed:?}");
}

#[test]
fn checker_detects_missing_refusals_without_a_key() {
    let lost = failed_checks(|run| {
        let record = Record { command: Uuid::nil(), ..run.log.records[2] };
        run.log.records.push(record);
    });
    assert_eq!(lost, [UNKEYED]);
}

#[test]
fn checker_detects_wrong_winner_notifications() {
    let never = failed_checks(|run| run.notifications.clear());
    assert_eq!(never, [WON]);
    let twice = failed_checks(|run| run.notifications.push(run.notifications[0].clone()));
    assert!(twice.contains(&WON), "{twice:?}");
    let another = failed_checks(|run| run.notifications[0].0 = UserId(run.run_ids.users[1]));
    assert!(another.contains(&WON), "{another:?}");
    let superfluous = failed_checks(|run| {
        let (user, mut news) = run.notifications[0].clone();
        let highest = auction_wire::api::Money { amount: 150, currency: "USD".to_owned() };
        let (standing, ends_at) = (BidderStatus::Outbid, JsonTime(fixtures::END));
        (news.id, news.content.version) = (Uuid::from_u128(10), 3);
        news.content.body = NotificationBody::HighestBid { standing, highest, ends_at };
        run.notifications.push((user, news));
    });
    assert_eq!(superfluous, [LEADS]);
}
