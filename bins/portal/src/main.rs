//! `portal`: the whole auction portal in one process, and the commands of people who use and run it.

use auction_cli::{ClientArgs, ClientCommand};
use auction_components::component::Component;
use auction_components::process::{ProcessError, RoleArgs, block_on, report, run_role};
use auction_components::{accounts, dead_letters, draws, parked_events, rebuild, streams, up, verify};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// An auction portal, event-sourced on Redis Streams and Postgres.
#[derive(Debug, Parser)]
#[command(version)]
struct Portal {
    /// The portal to talk to, for commands that do.
    #[arg(long, global = true, env = "AUCTION_URL", default_value = ClientArgs::DEFAULT_URL, value_name = "URL")]
    url: String,
    /// Do it as an operator of the house, for commands that talk to a portal; a gateway in front must let you, or a
    /// token.
    #[arg(long, global = true)]
    operator: bool,
    /// A token, or a service key, which may act for users; for commands that talk to a portal.
    #[arg(long, global = true, env = "AUCTION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process, with private servers if none are given
    Up(up::UpArgs),
    /// Run one role against servers that are there
    Run {
        /// Which
        role: Component,
        #[command(flatten)]
        args: RoleArgs,
    },
    /// Compare what is stored, published and shown
    Verify(verify::VerifyArgs),
    /// How far everybody is with every stream: lag, pending, age, owner, rate
    Streams(streams::StreamsArgs),
    /// Bids that were drawn by lot: was it as promised?
    Draws(draws::DrawsArgs),
    /// Commands that could not be handled: list, show, send again, drop
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Make the views anew beside the live ones, and switch to them
    Rebuild(rebuild::RebuildArgs),
    /// Who users are: show, grant a role, end tokens
    Accounts(accounts::AccountsArgs),
    /// Tokens of programs, which may act for users: create, list, revoke
    ServiceKeys(accounts::ServiceKeysArgs),
    /// Events that a service could not handle: list, show, try again, drop
    Parked(parked_events::ParkedArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

fn main() -> ExitCode {
    let Portal { url, operator, token, command } = Portal::parse();
    match command {
        Command::Up(args) => report(block_on(up::up(args))),
        Command::Run { role, args } => run_role(role, args),
        Command::Verify(args) => show(block_on(verify::run(args))),
        Command::Streams(args) => report(block_on(streams::run(args, &mut std::io::stdout()))),
        Command::Draws(args) => show(block_on(draws::run(args))),
        Command::DeadLetters(args) => show(block_on(dead_letters::run(args))),
        Command::Rebuild(args) => show(block_on(rebuild::run(args))),
        Command::Accounts(args) => show(block_on(accounts::accounts(args))),
        Command::ServiceKeys(args) => show(block_on(accounts::service_keys(args))),
        Command::Parked(args) => show(block_on(parked_events::run(args))),
        Command::Client(command) => {
            match block_on(async { Ok(auction_cli::run(ClientArgs { url, operator, token, command }).await) })
            {
                Ok(code) => code,
                Err(error) => report(Err(error)),
            }
        }
    }
}

/// Prints what there is to read; whether all is well is the exit code.
#[expect(clippy::print_stdout, reason = "the text is the result")]
fn show(result: Result<(String, bool), ProcessError>) -> ExitCode {
    match result {
        Ok((text, all_well)) => {
            print!("{text}");
            if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => report(Err(error)),
    }
}
