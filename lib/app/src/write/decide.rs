//! A batch of commands is decided in order, in memory.

use super::aggregates::{Aggregates, LoadError};
use super::bidders::{Bidders, UnknownSender};
use crate::ports::Unavailable;
use crate::ports::command_lane::{Delivery, Settlement};
use crate::ports::event_store::{Append, EventStore, NewEvent};
use auction_domain::fact::Refusal;
use auction_domain::user::UserEvent;
use auction_domain::{Actor, Facts, Refused, RefusedClass, Timestamp, UserId};
use auction_wire::{
    Command, CommandBody, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId,
};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use thiserror::Error;

/// An id that is a user's was used for an auction, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this id is in use for something else")]
pub struct IdInUse;

impl Refusal for IdInUse {
    fn code(&self) -> &'static str {
        "id_in_use"
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Conflict
    }
}

/// How much a lane keeps in memory.
#[derive(Clone, Copy, Debug)]
pub struct DeskLimits {
    /// Users and auctions.
    pub aggregates: NonZeroUsize,
    /// Users known to exist.
    pub bidders: NonZeroUsize,
}

/// Where the commands of one partition are decided: state as of its head, and nothing undecided.
pub struct Desk {
    partition: PartitionId,
    head: u64,
    aggregates: Aggregates,
    bidders: Bidders,
}

/// What a batch comes to, before it is stored.
#[derive(Debug)]
pub struct Decided {
    /// To store.
    pub append: Append,
    /// To settle once it is stored, but for the events.
    settlement: Settlement,
    /// All commands of the batch, for a look at the outcomes of those that were decided before.
    pub commands: Vec<CommandId>,
}

impl Desk {
    /// A desk of a partition at its head, without any memory. `newest_deletion` was read before any user is
    /// looked up.
    pub fn new(partition: PartitionId, head: u64, newest_deletion: u64, limits: DeskLimits) -> Desk {
        Desk {
            partition,
            head,
            aggregates: Aggregates::new(limits.aggregates),
            bidders: Bidders::new(newest_deletion, limits.bidders),
        }
    }

    /// Whose desk it is.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The newest position that its state contains.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Decides a batch. `before` holds the stored outcomes of those of its commands that were decided
    /// before. The state is that after the batch; if it is not stored after all, call [`Desk::forget`].
    pub async fn decide(
        &mut self,
        store: &mut impl EventStore,
        batch: &[Delivery],
        before: &HashMap<CommandId, Outcome>,
    ) -> Result<Decided, LoadError> {
        self.load(store, batch).await?;
        let mut decided = Decided {
            append: Append {
                partition: self.partition,
                expected_head: self.head,
                known_deletions: self.bidders.known_deletions(),
                events: Vec::with_capacity(batch.len()),
                outcomes: Vec::with_capacity(batch.len()),
            },
            settlement: Settlement { after: self.head, ..Settlement::default() },
            commands: Vec::with_capacity(batch.len()),
        };
        // Where in `outcomes` the outcome of each command of this batch is.
        let mut decided_here: HashMap<CommandId, usize> = HashMap::with_capacity(batch.len());
        for delivery in batch {
            let command = match &delivery.command {
                Ok(command) => command,
                Err(unreadable) => {
                    let put_away = (delivery.channel, delivery.entry, unreadable.clone());
                    decided.settlement.unreadable.push(put_away);
                    continue;
                }
            };
            decided.settlement.done.push((delivery.channel, delivery.entry));
            let outcome = match (before.get(&command.id), decided_here.get(&command.id)) {
                (Some(outcome), _) => outcome,
                (None, Some(repeated)) => &decided.append.outcomes[*repeated],
                (None, None) => {
                    let outcome = self.decide_one(command, delivery.at(), &mut decided.append.events);
                    decided_here.insert(command.id, decided.append.outcomes.len());
                    decided.commands.push(command.id);
                    decided.append.outcomes.push(outcome);
                    &decided.append.outcomes[decided.append.outcomes.len() - 1]
                }
            };
            if !command.reply.is_empty() {
                decided.settlement.replies.push((command.reply.clone(), outcome.clone()));
            }
        }
        Ok(decided)
    }

    /// The batch is stored: this is what was decided on. Returns what is to be settled.
    pub fn stored(&mut self, decided: Decided) -> Settlement {
        let events: Vec<EventRecord> = decided.append.events.into_iter().map(|event| event.record).collect();
        self.head += events.len() as u64;
        self.aggregates.trim();
        self.bidders.trim();
        Settlement { events, ..decided.settlement }
    }

    /// The batch is not stored: what it touched is in the state of something that did not happen.
    pub fn forget(&mut self, batch: &[Delivery]) {
        for command in batch.iter().filter_map(|delivery| delivery.command.as_ref().ok()) {
            self.aggregates.forget(command.key);
            self.bidders.remove(UserId(command.key));
        }
    }

    /// Learns of users deleted elsewhere.
    pub async fn learn_deletions(&mut self, store: &mut impl EventStore) -> Result<(), Unavailable> {
        self.bidders.learn_deletions(store).await
    }

    async fn load(&mut self, store: &mut impl EventStore, batch: &[Delivery]) -> Result<(), LoadError> {
        let commands = || batch.iter().filter_map(|delivery| delivery.command.as_ref().ok());
        let mut keys: Vec<_> = commands().map(|command| command.key).collect();
        keys.sort_unstable();
        keys.dedup();
        self.aggregates.load(store, &keys).await?;
        let mut senders: Vec<_> = commands().filter_map(|command| sender(command.actor)).collect();
        senders.sort_unstable();
        senders.dedup();
        Ok(self.bidders.load(store, &senders).await?)
    }

    fn decide_one(&mut self, command: &Command, at: Timestamp, events: &mut Vec<NewEvent>) -> Outcome {
        let first = events.len();
        let result = match self.events_of(command, at) {
            Err(refused) => {
                let auction = self.aggregates.get(command.key).auction.as_ref();
                OutcomeResult::refused(refused, auction.map(|auction| auction.terms().currency))
            }
            Ok(new) => {
                for event in new {
                    let next = self.head + events.len() as u64 + 1;
                    let record = self.apply(command, &event, next, at);
                    events.push(NewEvent { record, event, actor: command.actor });
                }
                self.accepted(command)
            }
        };
        self.note_users(command, &events[first..]);
        Outcome {
            command: command.id,
            kind: command.body.kind().to_owned(),
            key: command.key,
            fingerprint: command.fingerprint,
            partition: self.partition,
            position: self.head + events.len() as u64,
            at,
            result,
        }
    }

    fn events_of(&mut self, command: &Command, at: Timestamp) -> Result<Vec<Event>, Refused> {
        let aggregate = self.aggregates.get(command.key);
        match &command.body {
            CommandBody::User(_) if aggregate.auction.is_some() => Err(IdInUse.into()),
            CommandBody::Auction(_) if aggregate.user.is_some() => Err(IdInUse.into()),
            CommandBody::User(body) => {
                let events = body.decide(aggregate.user.as_ref())?;
                Ok(events.into_iter().map(Event::User).collect())
            }
            CommandBody::Auction(body) => {
                if sender(command.actor).is_some_and(|user| !self.bidders.is_known(user)) {
                    return Err(UnknownSender.into());
                }
                let auction = aggregate.auction.as_ref();
                let events = body.decide(auction, command.actor, command.expect, at)?;
                Ok(events.into_iter().map(Event::Auction).collect())
            }
        }
    }

    fn apply(&mut self, command: &Command, event: &Event, position: u64, at: Timestamp) -> EventRecord {
        let aggregate = self.aggregates.get(command.key);
        aggregate.apply(event, at);
        EventRecord {
            position,
            key: command.key,
            version: aggregate.version(),
            kind: event.kind().to_owned(),
            schema: event.schema(),
            at,
            cause: command.id,
            trace: command.trace.clone(),
            body: event.encode(),
        }
    }

    fn accepted(&mut self, command: &Command) -> OutcomeResult {
        let aggregate = self.aggregates.get(command.key);
        let (facts, currency) = match (&command.body, &aggregate.auction) {
            (CommandBody::Auction(body), Some(auction)) => {
                (body.facts(auction), Some(auction.terms().currency))
            }
            (CommandBody::User(body), _) => (body.facts(), None),
            _ => (Facts::new(), None),
        };
        OutcomeResult::accepted(aggregate.version(), currency, facts)
    }

    /// Later commands of the same batch see users created and deleted by earlier ones.
    fn note_users(&mut self, command: &Command, events: &[NewEvent]) {
        for event in events {
            match event.event {
                Event::User(UserEvent::UserCreated) => self.bidders.add(UserId(command.key)),
                Event::User(UserEvent::UserDeleted) => self.bidders.remove(UserId(command.key)),
                Event::Auction(_) => {}
            }
        }
    }
}

fn sender(actor: Actor) -> Option<UserId> {
    match actor {
        Actor::User(user) => Some(user),
        Actor::Operator | Actor::Portal => None,
    }
}
