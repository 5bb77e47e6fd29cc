//! Personal data never enters an event or a stream: everything that any of them can carry is listed here,
//! so that a new field is a decision.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Ids, numbers, times, and what people publish about the things they sell. `reason` is what the house
/// writes when it strikes a bid out.
const ALLOWED: [&str; 52] = [
    // fields
    "id",
    "kind",
    "v",
    "key",
    "actor",
    "expect",
    "fp",
    "reply",
    "trace",
    "ver",
    "at",
    "cause",
    // bodies
    "amount",
    "at_most",
    "at_version",
    "auction_won",
    "because",
    "bid",
    "bid_doubled",
    "bidder",
    "bids",
    "chosen",
    "commitment",
    "currency",
    "description",
    "draw",
    "effective",
    "eligible",
    "ends_at",
    "every_ms",
    "extend_by_ms",
    "first",
    "highest_bid",
    "last",
    "opening_bid",
    "options",
    "pays",
    "promotion",
    "proof",
    "reason",
    "reserve",
    "retraction_lock_ms",
    "seed",
    "seller",
    "settings_version",
    "soft_close",
    "starts_at",
    "title",
    "within_ms",
    // how samples are laid out
    "body",
    "body_for_the_eye",
    "fields",
];

fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.insert(name.clone());
            names(value, found);
        }),
        Value::Array(list) => list.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[test]
fn no_command_and_no_event_has_a_field_for_personal_data() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut found = BTreeSet::new();
    let mut files = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let sample: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let plain = sample["fields"].as_array().unwrap().iter().map(|field| field[0].as_str().unwrap());
            found.extend(plain.map(str::to_owned));
            names(&sample, &mut found);
            files += 1;
        }
    }
    assert!(files >= 24, "only {files} samples");
    let allowed: BTreeSet<String> = ALLOWED.iter().map(|name| (*name).to_owned()).collect();
    let new: Vec<_> = found.difference(&allowed).collect();
    assert!(new.is_empty(), "is it personal data? {new:?}");
}
