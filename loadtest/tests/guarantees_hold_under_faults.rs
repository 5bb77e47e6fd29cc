//! The short form of the fault suite: each kind of fault once or more, in an order that the seed decides, under load and
//! before the judge. `make faults` is the long one.
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

/// Runs the suite with the programs that were built beside the load test; what it told.
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
    let told = [&output.stdout[..], &output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    println!("{told}");
    assert_eq!(output.status.code(), Some(0), "{told}");
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_whatever_fails_under_load() {
    let report = faults(&["--faults", "16", "--load-seconds", "240"]);
    let happened = report["faults"].as_array().unwrap().iter();
    let kinds: BTreeSet<_> =
        happened.flat_map(|fault| fault["kinds"].as_array().unwrap()).map(Value::to_string).collect();
    // Where disks cannot be mounted, the suite has said so.
    assert!(kinds.len() >= 13, "each kind came once: {kinds:?}");
    let looked: u64 = report["totals"]["verdict"]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["looked_at"].as_u64().unwrap())
        .sum();
    assert!(looked > 1_000 && report["totals"]["accepted"].as_u64().unwrap() > 300, "{report}");
}

#[test]
fn no_request_fails_while_every_process_is_replaced_under_load() {
    let report = faults(&["--kinds", "deployment", "--faults", "1", "--load-seconds", "60"]);
    assert_eq!(report["kinds"]["deployment"]["count"], 1, "{report}");
    assert!(report["ended"].as_array().unwrap().is_empty(), "{report}");
}
