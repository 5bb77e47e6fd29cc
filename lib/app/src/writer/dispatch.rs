//! Selects the aggregate that decides a command.

use super::aggregate_cache::Aggregate;
use auction_domain::refusal::IdInUse;
use auction_domain::{RefusalInfo, Timestamp};
use auction_wire::{Command, CommandBody, Event};

/// Pure function that decides a command, from the state of its aggregate, the command and its time.
#[derive(Clone, Copy, Debug)]
pub struct DecideFn(pub fn(&Aggregate, &Command, Timestamp) -> Result<Vec<Event>, RefusalInfo>);

impl Default for DecideFn {
    /// Returns the function that calls the aggregates of the domain.
    fn default() -> DecideFn {
        DecideFn(dispatch_to_aggregate)
    }
}

fn dispatch_to_aggregate(
    aggregate: &Aggregate,
    command: &Command,
    at: Timestamp,
) -> Result<Vec<Event>, RefusalInfo> {
    match &command.body {
        body if aggregate.is_other_than(body) => Err(IdInUse.into()),
        CommandBody::User(body) => {
            let events = body.decide(aggregate.user.as_ref())?;
            Ok(events.into_iter().map(Event::User).collect())
        }
        CommandBody::Auction(body) => {
            let events = body.decide(aggregate.auction.as_ref(), command.actor, command.expect, at)?;
            Ok(events.into_iter().map(Event::Auction).collect())
        }
        CommandBody::Promoter(body) => {
            let events = body.decide(command.actor)?;
            Ok(events.into_iter().map(Event::Promoter).collect())
        }
        CommandBody::Bar(body) => {
            let events = body.decide(aggregate.bar.as_ref())?;
            Ok(events.into_iter().map(Event::Bar).collect())
        }
    }
}
