//! `docs/reference/wire-format.md`: kinds of commands and events, from their modules and golden samples.

use super::wire_bodies::{Bodies, Sample};
use crate::support::root;
use auction_testkit::reference_page::ReferencePage;
use auction_wire::{command, event};
use serde_json::Value;
use std::collections::BTreeMap;

/// Samples of a kind, by version.
type Samples = BTreeMap<u32, Vec<Sample>>;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join("lib/wire").join(path)).unwrap()
}

/// Returns the bodies of the golden samples `<family>.<kind>[.<variant>].v<version>.json`.
fn samples(family: &str, kind: &str) -> Samples {
    let mut found = Samples::new();
    let mut files: Vec<_> = std::fs::read_dir(root().join("lib/wire/tests/golden"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&format!("{family}.{kind}.")))
        .collect();
    files.sort();
    for file in files {
        let version = file.trim_end_matches(".json").rsplit_once(".v").unwrap().1.parse().unwrap();
        let sample: Value = serde_json::from_str(&read(&format!("tests/golden/{file}"))).unwrap();
        let body = sample["body_for_the_eye"].as_object().unwrap().clone();
        found.entry(version).or_default().push(body);
    }
    found
}

/// Adds the fields of an entry, from the table in the documentation of the module.
fn add_header(page: &mut ReferencePage, source: &str) {
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `")?.strip_suffix(" |"));
    page.table(
        ["field", "meaning"],
        rows.map(|row| row.split_once('|').unwrap())
            .map(|(name, meaning)| [format!("`{}", name.trim()), meaning.trim().to_owned()]),
    );
}

fn add_kinds(page: &mut ReferencePage, family: &str, kinds: &[&str]) {
    let shared = [read("src/body.rs"), read("src/draw.rs")];
    for kind in kinds {
        let file = format!("src/{family}/{kind}.rs");
        let source = read(&file);
        let bodies = Bodies::of(&[shared[0].as_str(), &shared[1], &source]);
        let body = bodies.used_in(&source);
        let purpose = source.lines().next().unwrap().trim_start_matches("//! ");
        let (_, purpose) = purpose.split_once(": ").unwrap();
        page.heading(3, kind);
        page.paragraph(&format!("{}.", capitalized(purpose.trim_end_matches('.'))));
        let changes: Vec<&str> =
            source.lines().filter_map(|line| line.strip_prefix("/// Version ")).collect();
        let samples = samples(family, kind);
        let newest = samples.values().next_back().unwrap();
        body.check(newest).unwrap_or_else(|error| panic!("lib/wire/{file}: {error}"));
        for (version, samples) in samples.iter().rev() {
            let change = changes.iter().find(|change| change.starts_with(&format!("{version} ")));
            let rows = bodies.rows(body, samples);
            let empty = if rows.is_empty() { " The body is empty." } else { "" };
            page.paragraph(&match change {
                Some(change) => format!("Version {change}{empty}"),
                None => format!("Version {version}.{empty}"),
            });
            page.table(["field", "type", "meaning", "example"], rows);
        }
    }
}

fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn wire_format_reference_page_is_current() {
    let mut page = ReferencePage::new(
        "wire-format.md",
        "Wire format",
        "Which commands and events are there, and which fields do their entries and bodies have?",
        "the modules and golden samples of `lib/wire`",
    );
    page.paragraph(
        "Commands and events are entries of Redis streams; events are also rows of the table `events`. A body is a \
         MessagePack map with field names. Ids are UUID texts, times are milliseconds since 1970, and amounts are \
         whole minor units. Bodies of older versions stay readable forever.",
    );
    page.paragraph("A field whose type includes *null* or *optional* can be without a value.");
    page.heading(2, "Commands");
    add_header(&mut page, &read("src/command.rs"));
    add_kinds(&mut page, "command", command::KINDS);
    page.heading(2, "Events");
    page.paragraph("The id of the entry is `<position>-0`.");
    add_header(&mut page, &read("src/event.rs"));
    add_kinds(&mut page, "event", event::KINDS);
    page.assert_current();
}
