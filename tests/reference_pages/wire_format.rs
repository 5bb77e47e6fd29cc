//! `docs/reference/wire-format.md`: kinds of commands and events, from their modules and golden samples.

use crate::support::root;
use auction_testkit::reference_page::ReferencePage;
use auction_wire::{command, event};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Samples of a kind, by version.
type Samples = BTreeMap<u32, Vec<Map<String, Value>>>;

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

/// Returns the type of a value in a body.
fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(_) => "integer".to_owned(),
        Value::String(text) if text.len() == 36 && text.matches('-').count() == 4 => "UUID text".to_owned(),
        Value::String(text) if text.len() == 64 && !text.contains(' ') => "hexadecimal text".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => format!("list of {}", items.first().map_or("values".to_owned(), type_of)),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("`{name}`: {}", type_of(value)));
            format!("map with {}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns a row for each field of a version: name, type and an example.
fn fields(samples: &[Map<String, Value>]) -> Vec<[String; 3]> {
    let mut names: Vec<&String> = samples.iter().flat_map(Map::keys).collect();
    names.sort();
    names.dedup();
    let rows = names.into_iter().map(|name| {
        let values: Vec<&Value> = samples.iter().filter_map(|sample| sample.get(name)).collect();
        let mut types: Vec<String> = values.iter().map(|value| type_of(value)).collect();
        types.sort();
        types.dedup();
        let optional = if values.len() < samples.len() { ", optional" } else { "" };
        let example = values.iter().find(|value| !value.is_null()).unwrap_or(&values[0]);
        [format!("`{name}`"), format!("{}{optional}", types.join(" or ")), format!("`{example}`")]
    });
    rows.collect()
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
    for kind in kinds {
        let source = read(&format!("src/{family}/{kind}.rs"));
        let purpose = source.lines().next().unwrap().trim_start_matches("//! ");
        let (_, purpose) = purpose.split_once(": ").unwrap();
        page.heading(3, kind);
        page.paragraph(&format!("{}.", capitalized(purpose.trim_end_matches('.'))));
        let changes: Vec<&str> =
            source.lines().filter_map(|line| line.strip_prefix("/// Version ")).collect();
        for (version, samples) in samples(family, kind).iter().rev() {
            let change = changes.iter().find(|change| change.starts_with(&format!("{version} ")));
            let rows = fields(samples);
            let empty = if rows.is_empty() { " The body is empty." } else { "" };
            page.paragraph(&match change {
                Some(change) => format!("Version {change}{empty}"),
                None => format!("Version {version}.{empty}"),
            });
            page.table(["field", "type", "example"], rows);
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
