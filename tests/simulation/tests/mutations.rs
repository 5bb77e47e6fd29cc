//! The list of steps that can be switched off stays true.

#![allow(clippy::unwrap_used)]

use auction_simulation::mutations::{ALL, Detector};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn every_step_that_can_be_switched_off_is_where_the_list_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut names, mut changed) = (BTreeSet::new(), BTreeMap::new());
    for mutation in ALL {
        assert!(names.insert(mutation.name), "{}: twice", mutation.name);
        for edit in mutation.edits {
            let source = || std::fs::read_to_string(root.join(edit.file)).unwrap();
            if mutation.is_switched() {
                // All of them go into one build.
                let source = changed.entry(edit.file).or_insert_with(source);
                *source = edit.apply(mutation.name, source).unwrap();
            } else {
                edit.apply(mutation.name, &source()).unwrap();
            }
        }
        if let Detector::Test(package, program, name) = mutation.noticed_by {
            let library = root.join("lib").join(package.trim_start_matches("auction-"));
            let listed = std::fs::read_to_string(library.join("Cargo.toml")).unwrap();
            let is_there = listed.contains(&format!("[[test]]\nname = \"{program}\""))
                || library.join(format!("tests/{program}.rs")).exists();
            assert!(is_there, "{}: there is no test program {program} in {package}", mutation.name);
            let found = [
                "tests/kit/src/contract/event_store.rs",
                "tests/kit/src/contract/command_stream.rs",
                "lib/postgres/tests/schema.rs",
                "lib/app/tests/partition_writer/effects.rs",
                "lib/redis/tests/crash_tracking.rs",
                "lib/stream-worker/tests/group_consumer.rs",
                "lib/stream-worker/tests/priority_streams.rs",
            ]
            .iter()
            .any(|file| std::fs::read_to_string(root.join(file)).unwrap().contains(&format!("fn {name}(")));
            assert!(found, "{}: there is no test {name}", mutation.name);
        }
    }
}
