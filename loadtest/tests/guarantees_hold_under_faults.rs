//! Short form of the fault suite: each kind of fault at least once, in an order determined by the seed, under
//! load and with all checks; and faults of writers that share the partitions in another way. `make faults` runs
//! the long form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Runs the fault suite with the programs built for this test and returns its JSON report.
fn faults(arguments: &[&str]) -> Value {
    let portal = Path::new(env!("CARGO_BIN_EXE_auction-loadtest")).with_file_name("portal");
    if !portal.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "-p", "portal", "--bin", "portal"]);
        assert!(build.status().unwrap().success(), "the portal cannot be built");
    }
    let seed = std::env::var("SEED").unwrap_or_else(|_| "20261126".to_owned());
    println!("SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("faults.json");
    let mut suite = Command::new(env!("CARGO_BIN_EXE_auction-loadtest"));
    suite.args(["faults", "--seed", &seed, "--rate", "60"]).args(arguments).arg("--json").arg(&json);
    let output = suite.output().unwrap();
    let output_bytes = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8_lossy(&output_bytes);
    println!("{text}");
    assert_eq!(output.status.code(), Some(0), "{text}");
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

#[test]
fn guarantees_hold_under_every_kind_of_fault() {
    // Two loads: one in which all auctions end after draws, and one that ends with the last fault.
    let report = faults(&["--faults", "25", "--load-seconds", "45"]);
    let faults = report["faults"].as_array().unwrap().iter();
    let kinds: BTreeSet<_> =
        faults.flat_map(|fault| fault["kinds"].as_array().unwrap()).map(Value::to_string).collect();
    // Without the disk faults, if disks cannot be mounted.
    assert!(kinds.len() >= 23, "too few kinds of faults: {kinds:?}");
    let checked: u64 = report["totals"]["check_report"]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["checked"].as_u64().unwrap())
        .sum();
    let total = |name: &str| report["totals"][name].as_u64().unwrap();
    assert!(checked > 1_000 && total("accepted") > 300 && total("doubled") > 0, "{report}");
}

/// Runs faults of writers with this setting of `writer.concurrency`, and a deployment.
fn assert_guarantees_hold_with_writers(concurrency: &str) {
    let setting = format!("AUCTION__WRITER__CONCURRENCY={concurrency}");
    let report = faults(&[
        "--kinds=kill-repeatedly,pause-process,deployment",
        "--components=writer",
        "--setting",
        &setting,
        "--faults=3",
        "--load-seconds=20",
    ]);
    assert_eq!(report["kinds"]["deployment"]["count"], 1, "{report}");
    assert!(report["problems"].as_array().unwrap().is_empty(), "{report}");
}

#[test]
fn guarantees_hold_with_optimistic_writers_under_faults() {
    assert_guarantees_hold_with_writers("optimistic");
}

#[test]
fn guarantees_hold_with_pessimistic_writers_under_faults() {
    assert_guarantees_hold_with_writers("pessimistic");
}
