//! The client against the real router over ports in memory, with injected network faults and crashes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod commands;
mod portal;
mod replay;
mod retries;

use auction_cli::{ClientArgs, Console};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "portal")]
#[command(about = "Auctions")]
struct Portal {
    #[command(flatten)]
    client: ClientArgs,
}

/// Result of one run of the client.
struct CliOutput {
    code: ExitCode,
    output: String,
    notes: String,
}

impl CliOutput {
    fn json(&self) -> serde_json::Value {
        let last = self.output.lines().last().unwrap_or_else(|| panic!("no output; {}", self.notes));
        serde_json::from_str(last).unwrap()
    }

    #[track_caller]
    fn succeeds(self) -> CliOutput {
        assert_eq!(self.code, ExitCode::SUCCESS, "{}\n{}", self.output, self.notes);
        self
    }

    #[track_caller]
    fn fails(self, code: u8) -> CliOutput {
        assert_eq!(self.code, ExitCode::from(code), "{}\n{}", self.output, self.notes);
        self
    }
}

/// Runs the client like a shell.
async fn run_cli(url: &str, args: &[&str]) -> CliOutput {
    run_cli_on(&Console::captured(), url, args).await
}

async fn run_cli_on(console: &Console, url: &str, args: &[&str]) -> CliOutput {
    let line = ["portal", "--url", url].into_iter().chain(args.iter().copied());
    let portal = Portal::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let code = auction_cli::run_on(portal.client, console).await;
    CliOutput { code, output: console.output(), notes: console.notes() }
}

/// Returns the path of a file in `tests/data`.
fn shipped(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn command_line_definition_is_consistent() {
    use clap::CommandFactory;
    Portal::command().debug_assert();
    let about = Portal::command().get_about().map(ToString::to_string);
    assert_eq!(about.as_deref(), Some("Auctions"), "flattened arguments keep it");
    let refused = |args: &[&str]| Portal::try_parse_from(args).err().expect("refused").exit_code();
    assert_eq!(refused(&["portal", "replay", "h.csv", "--concurrency", "0"]), 2);
    assert_eq!(refused(&["portal", "replay", "h.csv", "--idle-timeout", "soon"]), 2);
    assert_eq!(refused(&["portal", "replay", "h.csv", "--run", "yesterday"]), 2);
    assert_eq!(refused(&["portal", "bid", "no-id", "5", "--as", "no-id"]), 2);
}
