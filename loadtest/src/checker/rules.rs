//! Every auction went by the rules: every bid that was accepted had to be, every one that was refused too, and the
//! winner is the winner.

use super::auction_model::{AuctionModel, ModelCommand};
use super::{Check, RunEvidence};
use crate::run::mix::Operation;
use auction_domain::auction::AuctionEvent;
use auction_domain::{Detail, Timestamp};
use auction_wire::{Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use std::collections::HashMap;
use uuid::Uuid;

struct Judged<'a> {
    evidence: &'a RunEvidence<'a>,
    auctions: HashMap<Uuid, AuctionModel>,
    /// What commands wished, by their ids.
    wishes: HashMap<Uuid, ModelCommand>,
    /// Amounts by their fingerprints.
    amounts: HashMap<u64, u64>,
    went: Check,
    refusals: Check,
    winners: Check,
}

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut judged = Judged {
        evidence,
        auctions: HashMap::new(),
        wishes: HashMap::new(),
        amounts: HashMap::new(),
        went: Check::new("every auction went by the rules"),
        refusals: Check::new("every outcome is what a plain model of the rules comes to"),
        winners: Check::new("every result is the right one"),
    };
    judged.read_wishes();
    let mut outcomes: HashMap<PartitionId, Vec<&Outcome>> = HashMap::new();
    for outcome in &evidence.outcomes {
        outcomes.entry(outcome.partition).or_default().push(outcome);
    }
    for partition in &evidence.partitions {
        let mut outcomes = outcomes.remove(&partition.id).unwrap_or_default();
        // Decided at the same position: nothing happened in between, and their order does not matter.
        outcomes.sort_by_key(|outcome| outcome.position);
        let mut outcomes = outcomes.into_iter().peekable();
        for event in &partition.events {
            while let Some(outcome) = outcomes.next_if(|outcome| outcome.position < event.position) {
                judged.outcome(outcome);
            }
            judged.event(event);
        }
        outcomes.for_each(|outcome| judged.outcome(outcome));
    }
    judged.closed();
    vec![judged.went, judged.refusals, judged.winners]
}

impl Judged<'_> {
    fn read_wishes(&mut self) {
        let world = self.evidence.world;
        for record in &self.evidence.journal.records {
            let (ask, command) = (&record.ask, record.command);
            if ask.what.places() {
                self.amounts.insert(crate::run::ids::fingerprint_of(ask.amount), ask.amount);
            }
            if command.is_nil() {
                continue;
            }
            match ask.what {
                // The amount is found by the fingerprint: the same key may have come with two.
                what if what.places() => {
                    let wish =
                        ModelCommand::Place { bid: command, bidder: world.user(ask), amount: ask.amount };
                    self.wishes.insert(command, wish);
                }
                Operation::Deletion => {
                    let bid = world.bid_with_key(ask).unwrap_or_default();
                    self.wishes.insert(command, ModelCommand::Delete { bid, by: world.user(ask) });
                }
                _ => {}
            }
        }
    }

    fn event(&mut self, record: &EventRecord) {
        let Ok(Event::Auction(event)) = record.event() else { return };
        let what = || format!("auction {} version {}", record.key, record.version);
        if let AuctionEvent::AuctionCreated { terms, .. } = &event {
            self.auctions.insert(record.key, AuctionModel::new(terms));
            return;
        }
        // Those that were there before the run are not ours.
        let Some(auction) = self.auctions.get_mut(&record.key) else { return };
        let went = auction.happen(&event, record.at);
        let is_result =
            matches!(event, AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. });
        let check = if is_result { &mut self.winners } else { &mut self.went };
        check.look(went.is_ok(), || format!("{}: {}", what(), went.err().unwrap_or_default()));
    }

    /// An outcome as of the events so far.
    fn outcome(&mut self, outcome: &Outcome) {
        let Some(auction) = self.auctions.get(&outcome.key) else { return };
        match &outcome.result {
            OutcomeResult::Refused { code, facts, .. } => {
                let fact = facts.iter().find(|fact| fact.name == "your_latest").map(|fact| fact.value);
                let right = self.refusal(auction, outcome, code, fact);
                self.refusals.look(right.is_ok(), || {
                    format!("command {}: {}", outcome.command, right.err().unwrap_or_default())
                });
            }
            OutcomeResult::Accepted { facts, .. } => {
                let highest = facts.iter().find(|fact| fact.name == "highest").map(|fact| fact.value);
                if let Some(Detail::Amount(told)) = highest {
                    let (told, right) = (told.minor_units(), auction.leader().map(|(_, amount)| amount));
                    self.refusals.look(Some(told) == right, || {
                        format!(
                            "command {}: the highest was told as {told}, it is {right:?}",
                            outcome.command
                        )
                    });
                }
            }
            OutcomeResult::Failed { reason, error } => {
                self.refusals
                    .look(false, || format!("command {} failed: {reason}: {error}", outcome.command));
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
        let right = match (self.wishes.get(&outcome.command.0), amount) {
            (Some(ModelCommand::Place { bid, bidder, .. }), Some(amount)) => {
                auction.refuses(&ModelCommand::Place { bid: *bid, bidder: *bidder, amount }, outcome.at)
            }
            (Some(wish), _) => auction.refuses(wish, outcome.at),
            // Whose it was is not told: the reason must be possible.
            (None, Some(amount)) => return possible(auction, code, amount, latest, outcome.at),
            (None, None) => return Ok(()), // not ours, such as that of an auctioneer who came twice
        };
        match right {
            Some(right) if right == code => Ok(()),
            right => Err(format!("refused as {code}, right is {right:?}")),
        }
    }

    fn closed(&mut self) {
        if !self.evidence.until_closed {
            return;
        }
        for id in &self.evidence.world.auctions {
            let is_closed = self.auctions.get(id).is_some_and(|auction| auction.is_closed);
            self.winners.look(is_closed, || format!("auction {id} has no result"));
        }
    }
}

/// Whether a refusal of a bid by nobody knows whom can be right.
fn possible(
    auction: &AuctionModel,
    code: &str,
    amount: u64,
    latest: Option<Detail>,
    at: Timestamp,
) -> Result<(), String> {
    let anybody = ModelCommand::Place { bid: Uuid::nil(), bidder: Uuid::nil(), amount };
    match (auction.refuses(&anybody, at), code, latest) {
        (None, "not_above_your_latest", Some(Detail::Amount(latest))) if amount <= latest.minor_units() => {
            Ok(())
        }
        (Some(right), code, _) if right == code => Ok(()),
        (right, ..) => Err(format!("a bid of {amount} is refused as {code}, right is {right:?}")),
    }
}
