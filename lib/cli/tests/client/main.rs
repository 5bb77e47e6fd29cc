//! The client against a small portal in memory, which keeps the rules of the real domain and the promises
//! of the real HTTP interface, and can be made to fail in all the ways a network and a crash can.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod commands;
mod fake;
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

/// What one call of the client came to.
struct Called {
    code: ExitCode,
    output: String,
    notes: String,
}

impl Called {
    fn json(&self) -> serde_json::Value {
        let last = self.output.lines().last().unwrap_or_else(|| panic!("no output; {}", self.notes));
        serde_json::from_str(last).unwrap()
    }

    #[track_caller]
    fn succeeds(self) -> Called {
        assert_eq!(self.code, ExitCode::SUCCESS, "{}\n{}", self.output, self.notes);
        self
    }

    #[track_caller]
    fn fails(self, code: u8) -> Called {
        assert_eq!(self.code, ExitCode::from(code), "{}\n{}", self.output, self.notes);
        self
    }
}

/// Calls the client like the shell does.
async fn call(url: &str, args: &[&str]) -> Called {
    call_on(&Console::captured(), url, args).await
}

async fn call_on(screen: &Console, url: &str, args: &[&str]) -> Called {
    let line = ["portal", "--url", url].into_iter().chain(args.iter().copied());
    let portal = Portal::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let code = auction_cli::run_on(portal.client, screen).await;
    Called { code, output: screen.output(), notes: screen.notes() }
}

/// A file that ships with the project.
fn shipped(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory;
    Portal::command().debug_assert();
    let about = Portal::command().get_about().map(ToString::to_string);
    assert_eq!(about.as_deref(), Some("Auctions"), "the flattened arguments leave it alone");
    let refused = |args: &[&str]| Portal::try_parse_from(args).err().expect("refused").exit_code();
    assert_eq!(refused(&["portal", "replay", "h.csv", "--parallel", "0"]), 2);
    assert_eq!(refused(&["portal", "replay", "h.csv", "--give-up-after", "soon"]), 2);
    assert_eq!(refused(&["portal", "replay", "h.csv", "--run", "yesterday"]), 2);
    assert_eq!(refused(&["portal", "bid", "no-id", "5", "--as", "nobody"]), 2);
}
