//! Checks of the guarantees at the end of a schedule.

mod outcomes;
mod views;

use crate::redis::Id;
use crate::schedule::Schedule;
use crate::workload::crashes_process;
use auction_app::ports::views::generations::Generation;
use auction_oracle::history::follows_rules;
use auction_redis::command_stream::GROUP;
use auction_redis::keys::{self, ViewKeys};
use auction_testkit::fixtures::P;
use auction_wire::{Channel, CommandId, EventRecord, OutcomeResult};
use std::collections::{BTreeMap, BTreeSet};

/// Number of crash marks that dead-letter a command: writers that last recorded this command as the one in
/// work.
const MAX_CRASHES: usize = 3;

/// Returns an error that names what is missing, unless all commands are decided and acknowledged, and all
/// events are published and projected.
pub(crate) fn is_idle(schedule: &Schedule) -> Result<(), String> {
    let head = schedule.store.inner().events(P).len() as u64;
    schedule.network.redis(|redis| {
        for channel in Channel::ALL {
            let Some(stream) = redis.stream(&keys::commands(P, channel)) else {
                return Err(format!("channel {channel:?} has no stream"));
            };
            let newest = stream.entries.last_key_value().map_or(Id::default(), |(id, _)| *id);
            let group = stream.groups.get(GROUP.as_bytes()).ok_or("the consumer group is missing")?;
            if group.last < newest {
                return Err(format!("{channel:?}: delivered up to {}, newest entry {newest}", group.last));
            }
            if let Some((id, _)) = group.pending.first_key_value() {
                return Err(format!("{channel:?}: {id} and {} others are pending", group.pending.len() - 1));
            }
        }
        let published = redis.stream(&keys::events(P)).map_or(Id::default(), |stream| stream.last);
        if published != Id(head, 0) {
            return Err(format!("published up to {published}, head {head}"));
        }
        let checkpoint = ViewKeys::new(P, Generation::FIRST).checkpoint();
        match redis.get(checkpoint.as_bytes()) {
            Some(crate::redis::Value::Text(text)) if *text == head.to_string().into_bytes() => Ok(()),
            None if head == 0 => Ok(()),
            other => Err(format!("projected up to {other:?}, head {head}")),
        }
    })
}

pub(crate) async fn check_all(schedule: &Schedule) -> Result<(), String> {
    is_idle(schedule)?;
    let stored = schedule.store.inner().events(P);
    check_positions(&stored)?;
    check_stream(schedule, &stored)?;
    outcomes::check_outcomes(schedule).await?;
    outcomes::check_order(schedule)?;
    outcomes::check_deleted_bidders(schedule)?;
    check_dead_letters(schedule)?;
    views::check_views(schedule).await?;
    follows_rules(&stored)
}

fn check_positions(stored: &[EventRecord]) -> Result<(), String> {
    let mut versions = BTreeMap::new();
    for (event, position) in stored.iter().zip(1..) {
        let version = versions.entry(event.key).or_insert(0_u64);
        *version += 1;
        if event.position != position || event.version != *version {
            return Err(format!(
                "event with position {} is stored at {position}, version {} of its aggregate is number {version}",
                event.position, event.version
            ));
        }
    }
    Ok(())
}

/// Checks that the event stream holds the newest stored events.
fn check_stream(schedule: &Schedule, stored: &[EventRecord]) -> Result<(), String> {
    schedule.network.redis(|redis| {
        let entries = redis.stream(&keys::events(P)).map(|stream| &stream.entries);
        let count = entries.map_or(0, BTreeMap::len);
        let tail = stored.len().checked_sub(count).ok_or("more events are published than stored")?;
        if tail > 0 && !schedule.trimmed {
            return Err(format!("the stream begins after event {tail}, but was never trimmed"));
        }
        for ((id, fields), stored) in entries.into_iter().flatten().zip(&stored[tail..]) {
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

/// Returns whether enough writers were killed, paused or hung while this command was the only one in work
/// that it may be dead-lettered. Without leases, other writers cannot distinguish a dead process from a
/// paused one.
fn may_look_like_a_crash(schedule: &Schedule, id: CommandId) -> bool {
    let submitted = schedule.submitted.iter();
    let entries =
        submitted.filter(|(_, (_, command))| command.as_ref().is_some_and(|command| command.id == id));
    let writers = entries.flat_map(|(at, (channel, _))| {
        schedule.network.writers_that_marked(&keys::commands(P, *channel), Id(*at, 0))
    });
    let suspicious = writers.filter(|(writer, hung)| *hung || schedule.stopped.contains(writer));
    suspicious.map(|(writer, _)| writer).collect::<BTreeSet<_>>().len() >= MAX_CRASHES
}

/// Checks that only commands that cannot be processed are dead-lettered.
fn check_dead_letters(schedule: &Schedule) -> Result<(), String> {
    let failed = schedule.store.inner().all_outcomes();
    for (id, outcome) in failed {
        let OutcomeResult::Failed { reason, .. } = &outcome.result else { continue };
        let crashes = schedule.submitted.values().any(|(_, command)| {
            command.as_ref().is_some_and(|command| command.id == id && crashes_process(command))
        });
        let expected = match reason.as_str() {
            "process_crash" => crashes || may_look_like_a_crash(schedule, id),
            "rejected" => schedule.workload.rejected.contains(&id),
            "panicked" => true, // `check_outcomes` decides the command again
            _ => false,
        };
        if !expected {
            return Err(format!("{id} was dead-lettered as {reason}"));
        }
    }
    if schedule.lossy {
        return Ok(());
    }
    // As sets: an entry that two writers settle is dead-lettered twice.
    let unreadable = schedule.submitted.iter().filter(|(_, (_, command))| command.is_none());
    let unreadable: BTreeSet<String> = unreadable.map(|(at, _)| Id(*at, 0).to_string()).collect();
    let dead_letters: BTreeSet<String> = schedule.network.redis(|redis| {
        let entries = redis.stream(&keys::dead(P)).map(|stream| stream.entries.clone()).unwrap_or_default();
        let found = entries.values().filter(|fields| fields.contains(&b"unreadable".to_vec()));
        found.map(|fields| String::from_utf8_lossy(&fields[3]).into_owned()).collect()
    });
    match dead_letters == unreadable {
        true => Ok(()),
        false => Err(format!("unreadable dead letters: {dead_letters:?}, expected {unreadable:?}")),
    }
}
