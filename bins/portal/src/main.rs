//! `portal`: the whole auction portal in one process, and the commands of people who use and run it.

use auction_cli::{ClientArgs, ClientCommand};
use auction_service::process::{block_on, report};
use auction_service::{up, verify};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// An auction portal, event-sourced on Redis Streams and Postgres.
#[derive(Debug, Parser)]
#[command(version)]
struct Portal {
    /// The portal to talk to, for commands that do.
    #[arg(long, global = true, env = "AUCTION_URL", default_value = ClientArgs::DEFAULT_URL, value_name = "URL")]
    url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process, with private servers if none are given
    Up(up::UpArgs),
    /// Compare what is stored, published and shown
    Verify(verify::VerifyArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

#[expect(clippy::print_stdout, reason = "the report of `verify` is its result")]
fn main() -> ExitCode {
    let Portal { url, command } = Portal::parse();
    match command {
        Command::Up(args) => report(block_on(up::up(args))),
        Command::Verify(args) => match block_on(verify::run(args)) {
            Ok((text, all_well)) => {
                print!("{text}");
                if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => report(Err(error)),
        },
        Command::Client(command) => {
            match block_on(async { Ok(auction_cli::run(ClientArgs { url, command }).await) }) {
                Ok(code) => code,
                Err(error) => report(Err(error)),
            }
        }
    }
}
