//! What was once written can be read for ever, and is still written in the same way.

#![allow(clippy::unwrap_used)]

mod examples;
mod refusals;
mod round_trips;
mod sample;

use auction_wire::{Command, Event, EventRecord};
use examples::{
    COMMAND_KINDS, EVENT_KINDS, command_kind, commands, event_kind, events, more_commands, more_events,
};
use sample::{fields_of, owned, sample, stored};
use std::collections::BTreeSet;

#[test]
fn every_kind_has_an_example() {
    let kinds: BTreeSet<&str> = commands().iter().map(|command| command_kind(&command.body)).collect();
    assert_eq!(kinds, COMMAND_KINDS.iter().copied().collect());
    let kinds: BTreeSet<&str> = events().iter().map(|(event, _)| event_kind(event)).collect();
    assert_eq!(kinds, EVENT_KINDS.iter().copied().collect());
}

#[test]
fn kinds_keep_their_names() {
    for command in commands() {
        assert_eq!(command.body.kind(), command_kind(&command.body));
    }
    for (event, _) in events() {
        assert_eq!(event.kind(), event_kind(&event));
    }
}

#[test]
fn commands_are_written_as_they_always_were() {
    for command in commands() {
        let fields = owned(command.to_fields());
        let stored = stored(&format!("command.{}.v1", command.body.kind()), &fields);
        assert_eq!(sample(&fields), stored, "{}", command.body.kind());
        assert_eq!(fields, fields_of_in_order(&stored, &fields), "{}", command.body.kind());
    }
}

#[test]
fn stored_commands_are_read_for_ever() {
    for command in commands() {
        let fields = owned(command.to_fields());
        let stored = stored(&format!("command.{}.v1", command.body.kind()), &fields);
        assert_eq!(Command::from_fields(&fields_of(&stored)).unwrap(), command);
    }
}

#[test]
fn events_are_written_as_they_always_were() {
    for (event, record) in events() {
        let fields = owned(record.to_fields());
        let stored = stored(&format!("event.{}.v1", event.kind()), &fields);
        assert_eq!(sample(&fields), stored, "{}", event.kind());
        assert_eq!(fields, fields_of_in_order(&stored, &fields), "{}", event.kind());
    }
}

#[test]
fn stored_events_are_read_for_ever() {
    for (event, record) in events() {
        let fields = owned(record.to_fields());
        let stored = stored(&format!("event.{}.v1", event.kind()), &fields);
        let read = EventRecord::from_fields(record.position, &fields_of(&stored)).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.event().unwrap(), event);
        assert_eq!(Event::decode(&record.kind, 1, &record.body).unwrap(), event);
    }
}

#[test]
fn what_may_be_absent_is_read_and_written_where_it_is_there() {
    for (name, command) in more_commands() {
        let fields = owned(command.to_fields());
        let stored = stored(name, &fields);
        assert_eq!(sample(&fields), stored, "{name}");
        assert_eq!(Command::from_fields(&fields_of(&stored)).unwrap(), command);
    }
    for (name, event, record) in more_events() {
        let fields = owned(record.to_fields());
        let stored = stored(name, &fields);
        assert_eq!(sample(&fields), stored, "{name}");
        let read = EventRecord::from_fields(record.position, &fields_of(&stored)).unwrap();
        assert_eq!(read.event().unwrap(), event);
    }
}

#[test]
fn no_stored_sample_is_without_an_example() {
    let mut expected: BTreeSet<String> = BTreeSet::new();
    expected.extend(COMMAND_KINDS.iter().map(|kind| format!("command.{kind}.v1.json")));
    expected.extend(EVENT_KINDS.iter().map(|kind| format!("event.{kind}.v1.json")));
    expected.extend(more_commands().map(|(name, _)| format!("{name}.json")));
    expected.extend(more_events().map(|(name, ..)| format!("{name}.json")));
    let directory = sample::file("x").parent().unwrap().read_dir().unwrap();
    let names = directory.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stored: BTreeSet<String> = names.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(stored, expected);
}

/// The stored fields; the body, which a sample keeps apart, at the place where it is written.
fn fields_of_in_order(stored: &serde_json::Value, written: &sample::Fields) -> sample::Fields {
    let mut fields = fields_of(stored);
    let body = fields.pop().unwrap();
    let place = written.iter().position(|(name, _)| name == b"body").unwrap();
    fields.insert(place, body);
    fields
}
