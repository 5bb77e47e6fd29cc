//! Checks that each command has one outcome: the outcome that a single writer without faults decides.

use crate::schedule::Schedule;
use crate::schedule::components::LIMITS;
use crate::workload::{OTHER_PARTITION, panics};
use auction_app::ports::commands::command_stream::{Failure, FailureReason, PoisonMessage, ReceivedCommand};
use auction_app::ports::events::event_store::{AppendBatch, AppendResult, EventStore};
use auction_app::writer::decider::{DecideError, Decider, KnownOutcomes};
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::user_bar::{BarCommand, BarEvent};
use auction_domain::{Actor, UserId};
use auction_testkit::fixtures::P;
use auction_testkit::memory::MemoryStore;
use auction_wire::{Channel, Command, CommandBody, CommandId, Event, Outcome, OutcomeResult};
use std::collections::{BTreeMap, BTreeSet};
use stream_worker::EntryId;

/// Decides all commands again, one by one in the stored order, and compares events and outcomes.
pub(super) async fn check_outcomes(schedule: &Schedule) -> Result<(), String> {
    let commands: BTreeMap<CommandId, &Command> = schedule
        .submitted
        .values()
        .filter_map(|(_, command)| command.as_ref().map(|command| (command.id, command)))
        .collect();
    let mut reference = ReferenceDecider::new(schedule);
    let mut decided = BTreeSet::new();
    for committed in schedule.store.inner().committed() {
        if committed.partition == OTHER_PARTITION {
            reference.append_to_other_partition(&committed).await?;
            continue;
        }
        let mut events = Vec::new();
        for outcome in &committed.outcomes {
            let command =
                commands.get(&outcome.command).ok_or("an outcome belongs to no submitted command")?;
            decided.insert(outcome.command).then_some(()).ok_or("a command has two outcomes")?;
            events.extend(reference.decide(command, outcome).await?);
        }
        if events != committed.events.iter().map(|event| event.record.clone()).collect::<Vec<_>>() {
            return Err(format!("events differ from the expected ones of {:?}", committed.outcomes));
        }
    }
    let missing: Vec<_> = commands.keys().filter(|id| !decided.contains(*id)).collect();
    missing.is_empty().then_some(()).ok_or_else(|| format!("commands without an outcome: {missing:?}"))
}

/// Decider and store without faults.
struct ReferenceDecider {
    store: MemoryStore,
    decider: Decider,
    rejected: Vec<CommandId>,
    /// Users of the other partition that are deleted and not barred yet.
    deleted: BTreeSet<UserId>,
}

impl ReferenceDecider {
    fn new(schedule: &Schedule) -> ReferenceDecider {
        let store = MemoryStore::default();
        schedule.workload.rejected.iter().for_each(|command| store.reject(*command));
        let rejected = schedule.workload.rejected.clone();
        ReferenceDecider { store, decider: Decider::new(P, 0, LIMITS), rejected, deleted: BTreeSet::new() }
    }

    async fn append_to_other_partition(&mut self, committed: &AppendBatch) -> Result<(), String> {
        self.store.append(committed).await.map_err(|error| error.to_string())?;
        for event in &committed.events {
            if let Event::User(UserEvent::UserDeleted) = event.event {
                self.deleted.insert(UserId(event.record.key));
            }
        }
        Ok(())
    }

    /// Between the deletion of a user elsewhere and the bar, a writer may or may not know of the deletion. Makes
    /// the reference know what the writer knew.
    fn know_what_the_writer_knew(&mut self, command: &Command, outcome: &Outcome) {
        if let CommandBody::Bar(BarCommand::BarUsers(bar)) = &command.body {
            self.deleted.retain(|user| !bar.users.contains(user));
        }
        let Actor::User(sender) = command.actor else { return };
        if self.deleted.contains(&sender) {
            let refused =
                matches!(&outcome.result, OutcomeResult::Refused { code, .. } if code == "unknown_sender");
            self.store.set_active(sender, !refused);
            self.decider = Decider::new(P, self.decider.head(), LIMITS);
        }
    }

    /// Returns the failure of a command that panics or that the store rejects, if its outcome is that
    /// failure.
    fn expected_failure(&self, command: &Command, outcome: &Outcome) -> Option<Failure> {
        let OutcomeResult::Failed { reason: name, error } = &outcome.result else { return None };
        let reasons = [
            (FailureReason::Panicked, panics(command)),
            (FailureReason::Rejected, self.rejected.contains(&command.id)),
        ];
        let reason = reasons.into_iter().find(|(reason, fails)| *fails && reason.name() == name)?.0;
        Some(Failure { reason, error: error.clone() })
    }

    /// Decides a command and compares the result with its stored outcome. Returns the events.
    async fn decide(
        &mut self,
        command: &Command,
        outcome: &Outcome,
    ) -> Result<Vec<auction_wire::EventRecord>, String> {
        self.know_what_the_writer_knew(command, outcome);
        let entry = EntryId { ms: outcome.at.0.unsigned_abs(), seq: 0 };
        let mut delivery =
            ReceivedCommand { channel: command.body.channel(), entry, command: Ok(command.clone()) };
        if let OutcomeResult::Failed { reason, error } = &outcome.result
            && reason == FailureReason::CrashedProcess.name()
        {
            let failure = Failure { reason: FailureReason::CrashedProcess, error: error.clone() };
            let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
            delivery.command = Err(PoisonMessage { failure, fields, has_unknown_kind: false });
        }
        let mut known = KnownOutcomes::default();
        if let Some(failure) = self.expected_failure(command, outcome) {
            // The command failed in the schedule. A decision on the present state could differ.
            known.failed.insert(command.id, failure);
        }
        // A second attempt stores the failure of the first one.
        for _ in 0..2 {
            let head = self.decider.head();
            let deliveries = std::slice::from_ref(&delivery);
            let failure = match self.decider.decide(&mut self.store, deliveries, &known).await {
                Ok(decided) => match self.store.append(&decided.append).await {
                    Ok(AppendResult::Committed) => return compare(&decided.append, outcome),
                    Ok(AppendResult::Rejected(error)) => Failure { reason: FailureReason::Rejected, error },
                    other => return Err(format!("{other:?} without a concurrent writer")),
                },
                Err(DecideError::Failed(_, failure)) => failure,
                Err(error) => return Err(error.to_string()),
            };
            self.decider.rollback(head, std::iter::once(deliveries));
            known.failed.insert(command.id, failure);
        }
        Err(format!("the failure of {} cannot be stored", command.id))
    }
}

fn compare(append: &AppendBatch, outcome: &Outcome) -> Result<Vec<auction_wire::EventRecord>, String> {
    match &append.outcomes[..] {
        [expected] if expected == outcome => {
            Ok(append.events.iter().map(|event| event.record.clone()).collect())
        }
        other => Err(format!("decided {outcome:?}, expected {other:?}")),
    }
}

/// Checks that the commands of each channel were decided in the order in which they were submitted, and
/// creations before later bids.
pub(super) fn check_order(schedule: &Schedule) -> Result<(), String> {
    if schedule.lossy {
        return Ok(());
    }
    let mut last: BTreeMap<Channel, i64> = BTreeMap::new();
    let mut decided = BTreeSet::new();
    // Commands of the priority channels, in submission order.
    let creations = schedule.submitted.iter().filter(|(_, (channel, _))| *channel != Channel::Bid);
    let mut creations =
        creations.filter_map(|(at, (_, command))| Some((*at, command.as_ref()?.id))).peekable();
    for outcome in schedule.store.inner().committed().iter().flat_map(|committed| &committed.outcomes) {
        let submitted = schedule.submitted.get(&outcome.at.0.unsigned_abs());
        let Some((channel, Some(command))) = submitted else {
            return Err(format!("no command was submitted at the time of {outcome:?}"));
        };
        if command.id != outcome.command {
            return Err(format!("{outcome:?} has the time of another command"));
        }
        let before = last.insert(*channel, outcome.at.0).unwrap_or_default();
        if before > outcome.at.0 {
            return Err(format!("{channel:?}: {} was decided after a later command", outcome.command));
        }
        decided.insert(outcome.command);
        while *channel == Channel::Bid
            && let Some((_, creation)) = creations.next_if(|(at, _)| *at < outcome.at.0.unsigned_abs())
        {
            if !decided.contains(&creation) {
                return Err(format!(
                    "{} was decided before the earlier creation {creation}",
                    outcome.command
                ));
            }
        }
    }
    Ok(())
}

/// Checks that no user places a bid after the bar, or after the deletion in the same partition.
pub(super) fn check_deleted_bidders(schedule: &Schedule) -> Result<(), String> {
    let mut refused = BTreeSet::new();
    let committed = schedule.store.inner().committed();
    let here = committed.iter().filter(|committed| committed.partition == P);
    for event in here.flat_map(|committed| &committed.events) {
        match &event.event {
            Event::User(UserEvent::UserDeleted) => drop(refused.insert(UserId(event.record.key))),
            Event::Bar(BarEvent::UsersBarred { users }) => refused.extend(users.iter().copied()),
            Event::Auction(AuctionEvent::BidPlaced { bid, bidder, .. }) if refused.contains(bidder) => {
                return Err(format!("{bid} was placed after its bidder was barred"));
            }
            _ => {}
        }
    }
    Ok(())
}
