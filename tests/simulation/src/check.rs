//! The promises, looked at when a schedule is over.

mod outcomes;
mod views;

use crate::redis::Id;
use crate::schedule::Schedule;
use crate::workload::is_deadly;
use auction_app::ports::views::generations::Generation;
use auction_redis::command_stream::GROUP;
use auction_redis::keys::{self, ViewKeys};
use auction_testkit::auction_model::assert_follows_rules;
use auction_testkit::fixtures::P;
use auction_wire::{Channel, CommandId, EventRecord, OutcomeResult};
use std::collections::{BTreeMap, BTreeSet};

/// What so many writers had in work, and nothing else, when they were last heard of is put away.
const SEEM_TO_BE_ENDED_BY_IT: usize = 3;

/// Whether everything that was asked is done, published and shown; if not, what is missing.
pub(crate) fn is_quiet(schedule: &Schedule) -> Result<(), String> {
    let head = schedule.store.inner().events(P).len() as u64;
    schedule.network.redis(|redis| {
        for channel in Channel::ALL {
            let Some(stream) = redis.stream(&keys::commands(P, channel)) else {
                return Err(format!("there is no stream of {channel:?}"));
            };
            let newest = stream.entries.last_key_value().map_or(Id::default(), |(id, _)| *id);
            let group = stream.groups.get(GROUP.as_bytes()).ok_or("there is no group")?;
            if group.last < newest {
                return Err(format!("{channel:?}: delivered up to {}, of {newest}", group.last));
            }
            if let Some((id, _)) = group.pending.first_key_value() {
                return Err(format!("{channel:?}: {id} and {} more are pending", group.pending.len() - 1));
            }
        }
        let published = redis.stream(&keys::events(P)).map_or(Id::default(), |stream| stream.last);
        if published != Id(head, 0) {
            return Err(format!("published up to {published}, of {head}"));
        }
        let checkpoint = ViewKeys::new(P, Generation::FIRST).checkpoint();
        match redis.get(checkpoint.as_bytes()) {
            Some(crate::redis::Value::Text(text)) if *text == head.to_string().into_bytes() => Ok(()),
            None if head == 0 => Ok(()),
            other => Err(format!("shown up to {other:?}, of {head}")),
        }
    })
}

/// Everything that must hold at the end.
pub(crate) async fn everything(schedule: &Schedule) -> Result<(), String> {
    is_quiet(schedule)?;
    let stored = schedule.store.inner().events(P);
    positions(&stored)?;
    published(schedule, &stored)?;
    outcomes::one_each_and_the_right_one(schedule).await?;
    outcomes::in_order(schedule)?;
    outcomes::no_bid_after_its_bidder_was_deleted(schedule)?;
    dead_letters(schedule)?;
    views::are_those_of_the_events(schedule).await?;
    // It panics with what it found.
    assert_follows_rules(&stored);
    Ok(())
}

fn positions(stored: &[EventRecord]) -> Result<(), String> {
    let mut versions = BTreeMap::new();
    for (event, position) in stored.iter().zip(1..) {
        let version = versions.entry(event.key).or_insert(0_u64);
        *version += 1;
        if event.position != position || event.version != *version {
            return Err(format!(
                "event {} is at {position}, version {} is {version}",
                event.position, event.version
            ));
        }
    }
    Ok(())
}

/// What lies on the event stream is the end of what is stored.
fn published(schedule: &Schedule, stored: &[EventRecord]) -> Result<(), String> {
    schedule.network.redis(|redis| {
        let lie = redis.stream(&keys::events(P)).map(|stream| &stream.entries);
        let count = lie.map_or(0, BTreeMap::len);
        let tail = stored.len().checked_sub(count).ok_or("more is published than stored")?;
        if tail > 0 && !schedule.trimmed {
            return Err(format!("the stream begins behind event {tail}, and nothing was taken off it"));
        }
        for ((id, fields), stored) in lie.into_iter().flatten().zip(&stored[tail..]) {
            let pairs = fields.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            let event = EventRecord::from_fields(id.0, &pairs.collect::<Vec<_>>())
                .map_err(|error| error.to_string())?;
            if id.1 != 0 || !event.same_history(stored) {
                return Err(format!("{id} on the stream is not event {}", stored.position));
            }
        }
        Ok(())
    })
}

/// Whether so many writers were killed or paused, or hung, while they had just this in work that it may be put away: whether
/// a process lives is nowhere to be seen without leases.
fn seemed_to_end_processes(schedule: &Schedule, id: CommandId) -> bool {
    let given =
        schedule.given.iter().filter(|(_, (_, given))| given.as_ref().is_some_and(|given| given.id == id));
    let had_it = given.flat_map(|(at, (channel, _))| {
        schedule.network.had_in_work(&keys::commands(P, *channel), Id(*at, 0))
    });
    let seem_ended = had_it.filter(|(writer, hung)| *hung || schedule.stopped.contains(writer));
    seem_ended.map(|(writer, _)| writer).collect::<BTreeSet<_>>().len() >= SEEM_TO_BE_ENDED_BY_IT
}

/// Nothing is put away but what cannot be handled.
fn dead_letters(schedule: &Schedule) -> Result<(), String> {
    let failed = schedule.store.inner().all_outcomes();
    for (id, outcome) in failed {
        let OutcomeResult::Failed { reason, .. } = &outcome.result else { continue };
        let deadly = schedule.given.values().any(|(_, command)| {
            command.as_ref().is_some_and(|command| command.id == id && is_deadly(command))
        });
        let expected = match reason.as_str() {
            "ended_its_process" => deadly || seemed_to_end_processes(schedule, id),
            "rejected" => schedule.history.rejected.contains(&id),
            "panicked" => true, // by the rules, which decide it again when outcomes are checked
            _ => false,
        };
        if !expected {
            return Err(format!("{id} was put away as {reason}"));
        }
    }
    if schedule.lossy {
        return Ok(());
    }
    // Which may come twice: whoever settles an entry that somebody else has settled puts it away once more.
    let nonsense = schedule.given.iter().filter(|(_, (_, command))| command.is_none());
    let nonsense: BTreeSet<String> = nonsense.map(|(at, _)| Id(*at, 0).to_string()).collect();
    let letters: BTreeSet<String> = schedule.network.redis(|redis| {
        let letters = redis.stream(&keys::dead(P)).map(|stream| stream.entries.clone()).unwrap_or_default();
        let unreadable = letters.values().filter(|fields| fields.contains(&b"unreadable".to_vec()));
        unreadable.map(|fields| String::from_utf8_lossy(&fields[3]).into_owned()).collect()
    });
    match letters == nonsense {
        true => Ok(()),
        false => Err(format!("letters that cannot be read: {letters:?}, should be {nonsense:?}")),
    }
}
