//! Checks that every mutation still matches the sources and that the tests it names exist.

#![allow(clippy::unwrap_used)]

use auction_simulation::mutations::{ALL, Detector, Mutation};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Files with the tests that detect mutations. Contract tests are defined in `tests/kit`.
const TEST_FILES: [&str; 13] = [
    "tests/kit/src/contract/event_store.rs",
    "tests/kit/src/contract/command_stream.rs",
    "tests/kit/src/contract/read_models.rs",
    "tests/kit/src/contract/notification_store.rs",
    "lib/app/tests/notifier.rs",
    "lib/app/tests/placement.rs",
    "lib/postgres/tests/schema.rs",
    "lib/app/tests/partition_writer/effects.rs",
    "lib/app/tests/partition_writer/unknown_kinds.rs",
    "lib/app/tests/user_deletion.rs",
    "lib/redis/tests/crash_tracking.rs",
    "lib/stream-worker/tests/group_consumer.rs",
    "lib/stream-worker/tests/priority_streams.rs",
];

#[test]
fn mutation_list_matches_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut names, mut edited, mut mismatches) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
    for mutation in ALL {
        if !names.insert(mutation.name) {
            mismatches.push(format!("{}: the name occurs twice", mutation.name));
        }
        for edit in mutation.edits {
            let source = match edited.get(edit.file) {
                // All switchable mutations go into one build, so each must match the result of the previous
                // ones.
                Some(source) if mutation.is_switchable() => String::clone(source),
                _ => std::fs::read_to_string(root.join(edit.file)).unwrap_or_default(),
            };
            match edit.apply(mutation.name, &source) {
                Ok(source) if mutation.is_switchable() => drop(edited.insert(edit.file, source)),
                Ok(_) => {}
                Err(mismatch) => mismatches.push(mismatch),
            }
        }
        mismatches.extend(missing_test(&root, mutation));
    }
    assert!(mismatches.is_empty(), "{} mismatches:\n{}", mismatches.len(), mismatches.join("\n"));
}

fn missing_test(root: &Path, mutation: &Mutation) -> Option<String> {
    let Detector::Test(package, target, name) = mutation.detected_by else { return None };
    let library = root.join("lib").join(package.trim_start_matches("auction-"));
    let manifest = std::fs::read_to_string(library.join("Cargo.toml")).unwrap_or_default();
    let has_target = manifest.contains(&format!("[[test]]\nname = \"{target}\""))
        || library.join(format!("tests/{target}.rs")).exists();
    if !has_target {
        return Some(format!("{}: package {package} has no test target {target}", mutation.name));
    }
    let functions = [format!("fn {name}("), format!("fn {name}<")];
    let defines = |file: &&str| {
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        functions.iter().any(|function| source.contains(function))
    };
    if TEST_FILES.iter().any(defines) {
        return None;
    }
    Some(format!("{}: test {name} does not exist in {TEST_FILES:?}", mutation.name))
}
