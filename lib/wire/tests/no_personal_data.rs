//! Commands and events never contain personal data. Every field name is listed here, so that adding a field
//! is a decision.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Ids, numbers, times, and the public description of an auction. `reason` is written by the operator who
/// voids a bid.
const FIELDS: &str = "id kind v key actor expect fp reply trace ver at cause";
const BODIES: &str = "\
    amount at_most at_version auction_won because bid bid_doubled bidder bids by chosen commitment \
    currency description draw effective eligible ends_at every_ms extend_by_ms first highest_bid last \
    opening_bid options pays promotion proof reason reserve retraction_lock_ms seed seller \
    settings_version soft_close starts_at title users within_ms";
const LAYOUT_OF_THE_SAMPLES: &str = "body body_for_the_eye fields";

fn collect_names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.insert(name.clone());
            collect_names(value, found);
        }),
        Value::Array(list) => list.iter().for_each(|value| collect_names(value, found)),
        _ => {}
    }
}

#[test]
fn commands_and_events_have_no_fields_for_personal_data() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut found = BTreeSet::new();
    let mut files = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let sample: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let plain = sample["fields"].as_array().unwrap().iter().map(|field| field[0].as_str().unwrap());
            found.extend(plain.map(str::to_owned));
            collect_names(&sample, &mut found);
            files += 1;
        }
    }
    assert!(files >= 24, "only {files} samples");
    let allowed = [FIELDS, BODIES, LAYOUT_OF_THE_SAMPLES].map(str::split_whitespace).into_iter().flatten();
    let allowed: BTreeSet<String> = allowed.map(str::to_owned).collect();
    let new: Vec<_> = found.difference(&allowed).collect();
    assert!(
        new.is_empty(),
        "new fields: make sure they hold no personal data, then add them to BODIES: {new:?}"
    );
}
