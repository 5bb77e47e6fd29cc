//! Checks every event, outcome and auction result against the model of the rules.

use super::{Check, RunEvidence};
use crate::run::mix::Operation;
use auction_domain::auction::{AuctionCommand, AuctionEvent, DeleteBid, PlaceBid, Status};
use auction_domain::{Actor, Amount, BidId, Detail, UserId};
use auction_oracle::auction::{SentCommand, effective};
use auction_oracle::history::History;
use auction_wire::{Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use std::collections::HashMap;
use uuid::Uuid;

/// Bidder of a bid without a key.
const UNKNOWN: UserId = UserId(Uuid::nil());

struct RuleChecker<'a> {
    evidence: &'a RunEvidence<'a>,
    history: History,
    /// Commands of the run with their senders, by their ids.
    commands: HashMap<Uuid, (AuctionCommand, UserId)>,
    amounts: HashMap<u64, Amount>,
    events: Check,
    refusals: Check,
    winners: Check,
}

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut checker = RuleChecker {
        evidence,
        history: History::default(),
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
            let user = UserId(run_ids.user(request));
            if request.operation.is_bid()
                && let Ok(amount) = Amount::new(request.amount)
            {
                self.amounts.insert(crate::run::ids::fingerprint_of(request.amount), amount);
                let place = PlaceBid { bid: BidId(id), bidder: user, amount };
                self.commands.insert(id, (AuctionCommand::PlaceBid(place), user));
            }
            if request.operation == Operation::BidDelete {
                let bid = BidId(run_ids.bid_with_key(request).unwrap_or_default());
                self.commands.insert(id, (AuctionCommand::DeleteBid(DeleteBid { bid }), user));
            }
        }
        // Requests without a response have no id.
        self.commands.remove(&Uuid::nil());
    }

    fn event(&mut self, record: &EventRecord) {
        let Ok(Event::Auction(event)) = record.event() else { return };
        // Auctions from before the run are not checked.
        if record.version > 1 && self.history.auction(record.key).is_none() {
            return;
        }
        let result = self.history.apply(record, &event);
        let is_result =
            matches!(event, AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. });
        let check = if is_result { &mut self.winners } else { &mut self.events };
        check.verify(result.is_ok(), || result.err().unwrap_or_default());
    }

    /// Checks an outcome against the state after the events so far.
    fn outcome(&mut self, outcome: &Outcome) {
        let Some(auction) = self.history.auction(outcome.key) else { return };
        match &outcome.result {
            OutcomeResult::Refused { code, details, .. } => {
                // Without a command, it is not one of the run, such as a repeated close of an auctioneer.
                let Some((command, user)) = self.command(outcome) else { return };
                let latest = details.iter().find(|detail| detail.name == "your_latest");
                let latest = latest.map(|detail| detail.value);
                let sent =
                    SentCommand { command, actor: Actor::User(user), expected_version: None, at: outcome.at };
                let expected = auction.decide(&sent).err().map(|(code, _)| code);
                let is_right = match (&sent.command, latest) {
                    // The refusal must be possible for some bidder.
                    (AuctionCommand::PlaceBid(place), Some(Detail::Amount(latest)))
                        if user == UNKNOWN && expected.is_none() =>
                    {
                        code == "not_above_your_latest" && place.amount <= latest
                    }
                    _ => expected == Some(code.as_str()),
                };
                self.refusals.verify(is_right, || {
                    format!("command {}: refused as {code}, expected {expected:?}", outcome.command)
                });
            }
            OutcomeResult::Accepted { details, .. } => {
                let highest = details.iter().find(|detail| detail.name == "highest");
                if let Some(Detail::Amount(actual)) = highest.map(|detail| detail.value) {
                    let (actual, expected) = (actual.minor_units(), auction.leader().map(effective));
                    self.refusals.verify(Some(actual) == expected, || {
                        let command = outcome.command;
                        format!("command {command}: the highest bid is {actual}, expected {expected:?}")
                    });
                }
            }
            OutcomeResult::Failed { reason, error } => {
                self.refusals
                    .verify(false, || format!("command {} failed: {reason}: {error}", outcome.command));
            }
        }
    }

    /// Returns the command with its sender; [`UNKNOWN`] if a bid had no key. The amount is that of the
    /// fingerprint, because the same key may have been sent with two amounts.
    fn command(&self, outcome: &Outcome) -> Option<(AuctionCommand, UserId)> {
        let place = |bid, bidder, amount| AuctionCommand::PlaceBid(PlaceBid { bid, bidder, amount });
        match (self.commands.get(&outcome.command.0), self.amounts.get(&outcome.fingerprint)) {
            (Some((AuctionCommand::PlaceBid(bid), user)), Some(amount)) => {
                Some((place(bid.bid, bid.bidder, *amount), *user))
            }
            (None, Some(amount)) => Some((place(BidId(UNKNOWN.0), UNKNOWN, *amount), UNKNOWN)),
            (command, _) => command.cloned(),
        }
    }

    fn check_all_closed(&mut self) {
        if !self.evidence.until_closed {
            return;
        }
        for id in &self.evidence.run_ids.auctions {
            let status = self.history.auction(*id).map(|auction| auction.status);
            let is_closed = matches!(status, Some(Status::Closed(_)));
            self.winners.verify(is_closed, || format!("auction {id} has no result"));
        }
    }
}
