//! Each command has one outcome, and it is the one that a single writer would have come to, to which nothing happens.

use crate::schedule::Schedule;
use crate::schedule::components::LIMITS;
use crate::store::Committed;
use crate::workload::{ELSEWHERE, is_cursed};
use auction_app::ports::commands::command_stream::{Failure, FailureReason, PoisonMessage, ReceivedCommand};
use auction_app::ports::events::event_store::{AppendBatch, AppendResult, EventStore};
use auction_app::writer::decider::{DecideError, Decider, KnownOutcomes};
use auction_domain::UserId;
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_testkit::fixtures::P;
use auction_testkit::memory::MemoryStore;
use auction_wire::{Channel, Command, CommandId, Event, Outcome, OutcomeResult};
use std::collections::{BTreeMap, BTreeSet};
use stream_worker::EntryId;

/// Decides everything once more, one command after another in the order in which they were decided, and compares.
pub(super) async fn one_each_and_the_right_one(schedule: &Schedule) -> Result<(), String> {
    let commands: BTreeMap<CommandId, &Command> = schedule
        .given
        .values()
        .filter_map(|(_, command)| command.as_ref().map(|command| (command.id, command)))
        .collect();
    let mut plain = Plain::new(schedule);
    let mut decided = BTreeSet::new();
    for committed in schedule.store.log() {
        if committed.partition == ELSEWHERE {
            plain.elsewhere(committed).await?;
            continue;
        }
        let mut events = Vec::new();
        for outcome in &committed.outcomes {
            let command = commands.get(&outcome.command).ok_or("an outcome of nobody's command")?;
            decided.insert(outcome.command).then_some(()).ok_or("two outcomes of one command")?;
            events.extend(plain.decide(command, outcome).await?);
        }
        if events != committed.events.iter().map(|event| event.record.clone()).collect::<Vec<_>>() {
            return Err(format!("other events than those of {:?}", committed.outcomes));
        }
    }
    let missing: Vec<_> = commands.keys().filter(|id| !decided.contains(*id)).collect();
    missing.is_empty().then_some(()).ok_or_else(|| format!("without an outcome: {missing:?}"))
}

/// A desk to which nothing happens.
struct Plain {
    store: MemoryStore,
    desk: Decider,
    head_elsewhere: u64,
    rejected: Vec<CommandId>,
}

impl Plain {
    fn new(schedule: &Schedule) -> Plain {
        let store = MemoryStore::default();
        schedule.history.rejected.iter().for_each(|command| store.reject(*command));
        let rejected = schedule.history.rejected.clone();
        Plain { store, desk: Decider::new(P, 0, 0, LIMITS), head_elsewhere: 0, rejected }
    }

    async fn elsewhere(&mut self, committed: Committed) -> Result<(), String> {
        let events = committed.events;
        let count = events.len() as u64;
        let append = AppendBatch {
            partition: ELSEWHERE,
            expected_head: self.head_elsewhere,
            known_deletions: u64::MAX,
            events,
            outcomes: Vec::new(),
        };
        self.head_elsewhere += count;
        self.store.append(&append).await.map_err(|error| error.to_string())?;
        self.desk.learn_deletions(&mut self.store).await.map_err(|error| error.to_string())
    }

    /// Why a command failed, if it is one that does.
    fn failed(&self, command: &Command, outcome: &Outcome) -> Option<Failure> {
        let OutcomeResult::Failed { reason: name, error } = &outcome.result else { return None };
        let reasons = [
            (FailureReason::Panicked, is_cursed(command)),
            (FailureReason::Rejected, self.rejected.contains(&command.id)),
        ];
        let reason = reasons.into_iter().find(|(reason, fails)| *fails && reason.name() == name)?.0;
        Some(Failure { reason, error: error.clone() })
    }

    /// Decides one command, whose outcome must be that one. Returns its events.
    async fn decide(
        &mut self,
        command: &Command,
        outcome: &Outcome,
    ) -> Result<Vec<auction_wire::EventRecord>, String> {
        let entry = EntryId { ms: outcome.at.0.unsigned_abs(), seq: 0 };
        let mut delivery =
            ReceivedCommand { channel: command.body.channel(), entry, command: Ok(command.clone()) };
        if let OutcomeResult::Failed { reason, error } = &outcome.result
            && reason == FailureReason::CrashedProcess.name()
        {
            let failure = Failure { reason: FailureReason::CrashedProcess, error: error.clone() };
            let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
            delivery.command = Err(PoisonMessage { failure, fields });
        }
        let mut verdicts = KnownOutcomes::default();
        if let Some(failure) = self.failed(command, outcome) {
            // It was tried and failed; what it would come to now that others are stored does not matter.
            verdicts.failed.insert(command.id, failure);
        }
        // Known to fail after the first try, if it does.
        for _ in 0..2 {
            let head = self.desk.head();
            let deliveries = std::slice::from_ref(&delivery);
            let failure = match self.desk.decide(&mut self.store, deliveries, &verdicts).await {
                Ok(decided) => match self.store.append(&decided.append).await {
                    Ok(AppendResult::Committed) => {
                        let deleted = self.desk.learn_deletions(&mut self.store).await;
                        deleted.map_err(|error| error.to_string())?;
                        return compare(&decided.append, outcome);
                    }
                    Ok(AppendResult::Rejected(error)) => Failure { reason: FailureReason::Rejected, error },
                    other => return Err(format!("{other:?} where nobody else writes")),
                },
                Err(DecideError::Failed(_, failure)) => failure,
                Err(error) => return Err(error.to_string()),
            };
            self.desk.rollback(head, std::iter::once(deliveries));
            verdicts.failed.insert(command.id, failure);
        }
        Err(format!("{} is not even stored as failed", command.id))
    }
}

fn compare(append: &AppendBatch, outcome: &Outcome) -> Result<Vec<auction_wire::EventRecord>, String> {
    match &append.outcomes[..] {
        [expected] if expected == outcome => {
            Ok(append.events.iter().map(|event| event.record.clone()).collect())
        }
        other => Err(format!("decided {outcome:?}, should be {other:?}")),
    }
}

/// The commands of each channel were decided in the order in which they came.
pub(super) fn in_order(schedule: &Schedule) -> Result<(), String> {
    if schedule.lossy {
        return Ok(());
    }
    let mut last: BTreeMap<Channel, i64> = BTreeMap::new();
    let mut decided = BTreeSet::new();
    // What was given on the channels that come first, in order.
    let creations = schedule.given.iter().filter(|(_, (channel, _))| *channel != Channel::Bid);
    let mut creations =
        creations.filter_map(|(at, (_, command))| Some((*at, command.as_ref()?.id))).peekable();
    for outcome in schedule.store.log().iter().flat_map(|committed| &committed.outcomes) {
        let given = schedule.given.get(&outcome.at.0.unsigned_abs());
        let Some((channel, Some(command))) = given else {
            return Err(format!("{outcome:?} was not given then"));
        };
        if command.id != outcome.command {
            return Err(format!("{outcome:?} has another one's time"));
        }
        let before = last.insert(*channel, outcome.at.0).unwrap_or_default();
        if before > outcome.at.0 {
            return Err(format!("{channel:?}: {} was decided after one that came later", outcome.command));
        }
        decided.insert(outcome.command);
        while *channel == Channel::Bid
            && let Some((_, creation)) = creations.next_if(|(at, _)| *at < outcome.at.0.unsigned_abs())
        {
            if !decided.contains(&creation) {
                return Err(format!("{} was decided before {creation}, which came first", outcome.command));
            }
        }
    }
    Ok(())
}

/// Whoever is deleted leaves bids that were there then, and are retracted; none comes after.
pub(super) fn no_bid_after_its_bidder_was_deleted(schedule: &Schedule) -> Result<(), String> {
    let mut deleted = BTreeSet::new();
    for event in schedule.store.log().iter().flat_map(|committed| &committed.events) {
        match &event.event {
            Event::User(UserEvent::UserDeleted) => drop(deleted.insert(UserId(event.record.key))),
            Event::Auction(AuctionEvent::BidPlaced { bid, bidder, .. }) if deleted.contains(bidder) => {
                return Err(format!("{bid} was placed after its bidder was deleted"));
            }
            _ => {}
        }
    }
    Ok(())
}
