//! Golden samples: stored commands and events stay readable forever, and are still written the same way.
//!
//! The samples of a kind are declared in its module. Their files are
//! `tests/golden/command.<kind>.v<version>.json` and `event.<kind>.v<version>.json`; a sample of an older
//! version stays, and is still read. `snapshots/v<format>.json` has hashes of snapshots.

mod fixtures;
mod refusals;
mod round_trips;
mod snapshots;
mod stored;

pub(crate) use fixtures::*;

use crate::{Command, CommandBody, Event, EventRecord, command, event};
use auction_domain::auction::AuctionEvent;
use auction_domain::promoter::PromoterEvent;
use auction_domain::user::{ChangeNotificationPreferences, UserCommand, UserEvent};
use std::collections::BTreeSet;
use stored::{Fields, fields_of, owned, sample, stored};

fn name(family: &str, kind: &str, suffix: &str, version: &str) -> String {
    let dot = if suffix.is_empty() { "" } else { "." };
    format!("{family}.{kind}{dot}{suffix}.v{version}")
}

fn command_name(Sample { suffix, command }: &Sample) -> String {
    let fields = command.to_fields();
    let (_, version) = fields.iter().find(|(name, _)| *name == "v").unwrap();
    name("command", command.body.kind(), suffix, std::str::from_utf8(version).unwrap())
}

fn event_name(EventSample { suffix, event, .. }: &EventSample) -> String {
    name("event", event.kind(), suffix, &event.schema().to_string())
}

#[test]
fn every_kind_has_a_main_sample() {
    let commands = command::samples();
    let main = commands.iter().filter(|sample| sample.suffix.is_empty());
    let kinds: Vec<&str> = main.map(|sample| sample.command.body.kind()).collect();
    assert_eq!(kinds, command::KINDS);
    let events = event::samples();
    let main = events.iter().filter(|sample| sample.suffix.is_empty());
    let kinds: Vec<&str> = main.map(|sample| sample.event.kind()).collect();
    assert_eq!(kinds, event::KINDS);
}

#[test]
fn commands_are_written_as_their_samples_and_read_back() {
    for example in command::samples() {
        let (name, fields) = (command_name(&example), owned(example.command.to_fields()));
        let stored = stored(&name, &fields);
        assert_eq!(sample(&fields), stored, "{name}");
        assert_eq!(fields, fields_of_in_order(&stored, &fields), "{name}");
        assert_eq!(Command::from_fields(&fields_of(&stored)).unwrap(), example.command, "{name}");
    }
}

#[test]
fn events_are_written_as_their_samples_and_read_back() {
    for example in event::samples() {
        let (name, fields) = (event_name(&example), owned(example.record.to_fields()));
        let stored = stored(&name, &fields);
        assert_eq!(sample(&fields), stored, "{name}");
        assert_eq!(fields, fields_of_in_order(&stored, &fields), "{name}");
        let read = EventRecord::from_fields(example.record.position, &fields_of(&stored)).unwrap();
        assert_eq!(read, example.record, "{name}");
        assert_eq!(read.event().unwrap(), example.event, "{name}");
        let EventRecord { kind, schema, body, .. } = &example.record;
        assert_eq!(Event::decode(kind, *schema, body).unwrap(), example.event, "{name}");
    }
}

#[test]
fn every_stored_sample_is_of_a_declared_kind_and_readable() {
    let directory = stored::directory().read_dir().unwrap();
    let names = directory.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stored: BTreeSet<String> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    let mut expected: BTreeSet<String> = command::samples().iter().map(command_name).collect();
    expected.extend(event::samples().iter().map(event_name));
    assert!(expected.is_subset(&stored), "without a file: {:?}", expected.difference(&stored));
    // Samples of older versions have no example any more; they are read all the same.
    for name in stored.difference(&expected) {
        let fields = fields_of(&stored::stored(name, &Fields::new()));
        let read = match name.starts_with("command.") {
            true => Command::from_fields(&fields).map(drop),
            false => EventRecord::from_fields(1, &fields).and_then(|record| record.event().map(drop)),
        };
        assert_eq!(read, Ok(()), "{name}");
    }
}

#[test]
fn events_of_version_1_have_no_actor() {
    let read = |name: &str| {
        let fields = fields_of(&stored(name, &Fields::new()));
        EventRecord::from_fields(1, &fields).unwrap().event().unwrap()
    };
    let cancelled = AuctionEvent::AuctionCancelled { by: None };
    assert_eq!(read("event.auction_cancelled.v1"), Event::Auction(cancelled));
    let ended = AuctionEvent::AuctionEnded { ends_at: ENDS_AT, by: None };
    assert_eq!(read("event.auction_ended.v1"), Event::Auction(ended));
    let voided = AuctionEvent::BidVoided { bid: BID, bidder: USER, reason: reason(), by: None };
    assert_eq!(read("event.bid_voided.v1"), Event::Auction(voided));
    let changed = PromoterEvent::PromoterSettingsChanged { options: options(), by: None };
    assert_eq!(read("event.promoter_settings_changed.v1"), Event::Promoter(changed));
}

#[test]
fn subscriptions_of_version_1_hold_all_kinds() {
    let change = ChangeNotificationPreferences { preferences: subscriptions() };
    let command = fields_of(&stored("command.change_subscriptions.v1", &Fields::new()));
    let command = Command::from_fields(&command).unwrap();
    assert_eq!(command.body, CommandBody::User(UserCommand::ChangeNotificationPreferences(change)));
    let event = fields_of(&stored("event.subscriptions_changed.v1", &Fields::new()));
    let event = EventRecord::from_fields(1, &event).unwrap().event().unwrap();
    assert_eq!(event, Event::User(UserEvent::NotificationPreferencesChanged(subscriptions())));
}

/// Returns the fields of a sample in the order in which they are written. A sample keeps the body apart.
fn fields_of_in_order(stored: &serde_json::Value, written: &Fields) -> Fields {
    let mut fields = fields_of(stored);
    let body = fields.pop().unwrap();
    let index = written.iter().position(|(name, _)| name == b"body").unwrap();
    fields.insert(index, body);
    fields
}
