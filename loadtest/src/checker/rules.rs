//! Checks every event, outcome and auction result against the model of the rules.

use super::auction_model::{AuctionModel, ModelCommand};
use super::{Check, RunEvidence};
use crate::run::mix::Operation;
use auction_domain::auction::AuctionEvent;
use auction_domain::{Detail, Timestamp};
use auction_wire::{Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use std::collections::HashMap;
use uuid::Uuid;

struct RuleChecker<'a> {
    evidence: &'a RunEvidence<'a>,
    auctions: HashMap<Uuid, AuctionModel>,
    /// Commands of the run by their ids.
    commands: HashMap<Uuid, ModelCommand>,
    amounts: HashMap<u64, u64>,
    events: Check,
    refusals: Check,
    winners: Check,
}

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut checker = RuleChecker {
        evidence,
        auctions: HashMap::new(),
        commands: HashMap::new(),
        amounts: HashMap::new(),
        events: Check::new("every auction event follows the rules"),
        refusals: Check::new("every outcome matches the model of the rules"),
        winners: Check::new("every auction result is correct"),
    };
    checker.read_commands();
    let mut outcomes: HashMap<PartitionId, Vec<&Outcome>> = HashMap::new();
    for outcome in &evidence.outcomes {
        outcomes.entry(outcome.partition).or_default().push(outcome);
    }
    for partition in &evidence.partitions {
        let mut outcomes = outcomes.remove(&partition.id).unwrap_or_default();
        // Outcomes at the same position saw the same state, so their order does not matter.
        outcomes.sort_by_key(|outcome| outcome.position);
        let mut outcomes = outcomes.into_iter().peekable();
        for event in &partition.events {
            while let Some(outcome) = outcomes.next_if(|outcome| outcome.position < event.position) {
                checker.outcome(outcome);
            }
            checker.event(event);
        }
        outcomes.for_each(|outcome| checker.outcome(outcome));
    }
    checker.check_all_closed();
    vec![checker.events, checker.refusals, checker.winners]
}

impl RuleChecker<'_> {
    fn read_commands(&mut self) {
        let run_ids = self.evidence.run_ids;
        for record in &self.evidence.log.records {
            let (request, id) = (&record.request, record.command);
            if request.operation.is_bid() {
                self.amounts.insert(crate::run::ids::fingerprint_of(request.amount), request.amount);
            }
            if id.is_nil() {
                continue;
            }
            match request.operation {
                // `refusal` takes the amount from the fingerprint, because the same key may have been sent
                // with two amounts.
                operation if operation.is_bid() => {
                    let (bidder, amount) = (run_ids.user(request), request.amount);
                    self.commands.insert(id, ModelCommand::Place { bid: id, bidder, amount });
                }
                Operation::BidDelete => {
                    let bid = run_ids.bid_with_key(request).unwrap_or_default();
                    self.commands.insert(id, ModelCommand::Delete { bid, user: run_ids.user(request) });
                }
                _ => {}
            }
        }
    }

    fn event(&mut self, record: &EventRecord) {
        let Ok(Event::Auction(event)) = record.event() else { return };
        let name = || format!("auction {} version {}", record.key, record.version);
        if let AuctionEvent::AuctionCreated { terms, .. } = &event {
            self.auctions.insert(record.key, AuctionModel::new(terms));
            return;
        }
        // Auctions from before the run are not checked.
        let Some(auction) = self.auctions.get_mut(&record.key) else { return };
        let result = auction.apply(&event, record.at);
        let is_result =
            matches!(event, AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. });
        let check = if is_result { &mut self.winners } else { &mut self.events };
        check.verify(result.is_ok(), || format!("{}: {}", name(), result.err().unwrap_or_default()));
    }

    /// Checks an outcome against the state after the events so far.
    fn outcome(&mut self, outcome: &Outcome) {
        let Some(auction) = self.auctions.get(&outcome.key) else { return };
        match &outcome.result {
            OutcomeResult::Refused { code, details, .. } => {
                let detail =
                    details.iter().find(|detail| detail.name == "your_latest").map(|detail| detail.value);
                let expected = self.refusal(auction, outcome, code, detail);
                self.refusals.verify(expected.is_ok(), || {
                    format!("command {}: {}", outcome.command, expected.err().unwrap_or_default())
                });
            }
            OutcomeResult::Accepted { details, .. } => {
                let highest =
                    details.iter().find(|detail| detail.name == "highest").map(|detail| detail.value);
                if let Some(Detail::Amount(actual)) = highest {
                    let (actual, expected) =
                        (actual.minor_units(), auction.leader().map(|(_, amount)| amount));
                    self.refusals.verify(Some(actual) == expected, || {
                        format!(
                            "command {}: the outcome has the highest bid {actual}, expected {expected:?}",
                            outcome.command
                        )
                    });
                }
            }
            OutcomeResult::Failed { reason, error } => {
                self.refusals
                    .verify(false, || format!("command {} failed: {reason}: {error}", outcome.command));
            }
        }
    }

    fn refusal(
        &self,
        auction: &AuctionModel,
        outcome: &Outcome,
        code: &str,
        latest: Option<Detail>,
    ) -> Result<(), String> {
        let amount = self.amounts.get(&outcome.fingerprint).copied();
        let expected = match (self.commands.get(&outcome.command.0), amount) {
            (Some(ModelCommand::Place { bid, bidder, .. }), Some(amount)) => {
                auction.refusal(&ModelCommand::Place { bid: *bid, bidder: *bidder, amount }, outcome.at)
            }
            (Some(command), _) => auction.refusal(command, outcome.at),
            // The bidder is unknown: the refusal must be possible for some bidder.
            (None, Some(amount)) => return check_possible(auction, code, amount, latest, outcome.at),
            (None, None) => return Ok(()), // not a command of the run, such as a repeated close of an auctioneer
        };
        match expected {
            Some(expected) if expected == code => Ok(()),
            expected => Err(format!("refused as {code}, expected {expected:?}")),
        }
    }

    fn check_all_closed(&mut self) {
        if !self.evidence.until_closed {
            return;
        }
        for id in &self.evidence.run_ids.auctions {
            let is_closed = self.auctions.get(id).is_some_and(|auction| auction.is_closed);
            self.winners.verify(is_closed, || format!("auction {id} has no result"));
        }
    }
}

/// Checks that the refusal of a bid by an unknown bidder is possible.
fn check_possible(
    auction: &AuctionModel,
    code: &str,
    amount: u64,
    latest: Option<Detail>,
    at: Timestamp,
) -> Result<(), String> {
    let any_bid = ModelCommand::Place { bid: Uuid::nil(), bidder: Uuid::nil(), amount };
    match (auction.refusal(&any_bid, at), code, latest) {
        (None, "not_above_your_latest", Some(Detail::Amount(latest))) if amount <= latest.minor_units() => {
            Ok(())
        }
        (Some(expected), code, _) if expected == code => Ok(()),
        (expected, ..) => Err(format!("a bid of {amount} is refused as {code}, expected {expected:?}")),
    }
}
