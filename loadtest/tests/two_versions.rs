//! Two versions of the portal run together under load: a roll-out to this version, a rollback, and a roll-out again,
//! one process after the other. The earlier version is that of a tag, from which on rollback is promised. Part of the
//! long tests (`AUCTION_LONG=1`), because the earlier version is built first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

/// First version that every later one can be rolled back to, as long as no migration or kind in between says otherwise.
const TAG: &str = "v0.1.0-alpha.1";

/// Migration of a version after both: compatible, and unknown to both.
const LATER_MIGRATION: i32 = 9000;

/// Time limit for the start of the portal, even during a build on the same machine.
const START_TIMEOUT: Duration = Duration::from_secs(120);

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

/// Name of the earlier version in git. `AUCTION_EARLIER_VERSION` selects another one than the tag.
fn earlier_version() -> String {
    std::env::var("AUCTION_EARLIER_VERSION").unwrap_or_else(|_| TAG.to_owned())
}

/// Builds the program `portal` of a version, from a copy of its sources below `target`.
fn build(version: &str) -> PathBuf {
    let mut find = Command::new("git");
    find.arg("-C").arg(repository()).args(["rev-parse", "--verify", "--quiet"]);
    let found = find.arg(format!("{version}^{{commit}}")).output().unwrap();
    assert!(
        found.status.success(),
        "git has no version {version}, which this test builds. A shallow clone has no tags: run \
         `git fetch --depth 1 origin tag {version}`, or set AUCTION_EARLIER_VERSION to a commit"
    );
    let commit = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("earlier-version");
    let sources = target.join(&commit);
    if !sources.join("Cargo.toml").exists() {
        std::fs::create_dir_all(&sources).unwrap();
        let archive = target.join("sources.tar");
        let mut export = Command::new("git");
        export.arg("-C").arg(repository()).args(["archive", "--format=tar", "--output"]);
        run(export.arg(&archive).arg(&commit));
        run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&sources));
    }
    let target = target.join("target");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--offline", "--locked", "-p", "portal", "--bin", "portal", "--target-dir"]);
    run(build.arg(&target).current_dir(&sources));
    let program = target.join("debug/portal");
    // The next version would overwrite it.
    let portal = sources.join("portal");
    std::fs::copy(program, &portal).unwrap();
    portal
}

/// Applies a migration of a later version as soon as the portal has migrated the database.
async fn apply_later_migration(servers: &Path) {
    let socket = servers.join("postgres");
    let url = format!("host={} user=auction dbname=auction", socket.display());
    let later = format!(
        "SET lock_timeout = '2s';
         BEGIN;
         ALTER TABLE auctions ADD COLUMN IF NOT EXISTS later_note text;
         INSERT INTO refinery_schema_history
             SELECT {LATER_MIGRATION}, 'later_note', applied_on, checksum FROM refinery_schema_history
             ORDER BY version DESC LIMIT 1;
         INSERT INTO migration_compatibility (version, oldest_program)
             SELECT {LATER_MIGRATION}, min(version) FROM migration_compatibility;
         COMMIT"
    );
    let began = Instant::now();
    loop {
        let error = match tokio_postgres::connect(&url, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                match client.batch_execute(&later).await {
                    Ok(()) => return,
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        assert!(began.elapsed() < START_TIMEOUT, "the database is not migrated: {error}");
        tokio::time::sleep(Duration::from_millis(200)).await; // between two polls, with a deadline
    }
}

/// Runs three deployments under load, each to the other program. Returns the report.
async fn deployments(first: &Path, second: &Path) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let (data, json) = (directory.path().join("data"), directory.path().join("faults.json"));
    let mut suite = Command::new(env!("CARGO_BIN_EXE_auction-loadtest"));
    suite.args(["faults", "--kinds=deployment", "--faults=3", "--rate=60", "--load-seconds=30"]);
    suite.args(["--max-recovery-seconds=120", "--seed=20261130"]);
    suite.arg("--portal").arg(first).arg("--other-portal").arg(second);
    suite.arg("--data-dir").arg(&data).arg("--json").arg(&json);
    let servers = data.join("servers");
    let suite = tokio::task::spawn_blocking(move || suite.output().unwrap());
    let (output, ()) = tokio::join!(suite, apply_later_migration(&servers));
    let output = output.unwrap();
    println!("{}", text(&output));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

#[tokio::test]
async fn guarantees_hold_in_roll_out_and_rollback() {
    if !std::env::var("AUCTION_LONG").is_ok_and(|long| long == "1") {
        println!("skipped: building the earlier version takes minutes; set AUCTION_LONG=1");
        return;
    }
    let current = Path::new(env!("CARGO_BIN_EXE_auction-loadtest")).with_file_name("portal");
    if !current.exists() {
        let mut build_current = Command::new(env!("CARGO"));
        build_current.args(["build", "--offline", "--locked", "-p", "portal", "--bin", "portal"]);
        run(build_current.current_dir(repository()));
    }
    let earlier = build(&earlier_version());
    for (first, second) in [(&earlier, &current), (&current, &earlier)] {
        let report = deployments(first, second).await;
        assert_eq!(report["kinds"]["deployment"]["count"], 3, "{report}");
        assert!(report["problems"].as_array().unwrap().is_empty(), "{report}");
        assert!(report["totals"]["accepted"].as_u64().unwrap() > 100, "{report}");
    }
}
