//! `portal`: the whole auction portal in one process, and the commands of its users and operators.

use auction_cli::{ClientArgs, ClientCommand};
use auction_components::component::Component;
use auction_components::operator::CommandOutput;
use auction_components::process::{ComponentArgs, ProcessError, block_on, report, run_component};
use auction_components::{accounts, dead_letters, draws, parked_events, rebuild, streams, up, verify};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// An auction portal, event-sourced on Redis Streams and Postgres.
#[derive(Debug, Parser)]
#[command(version)]
struct Portal {
    /// URL of the portal, for client commands.
    #[arg(long, global = true, env = "AUCTION_URL", default_value = ClientArgs::DEFAULT_URL, value_name = "URL")]
    url: String,
    /// Run a client command as an operator. Requires an operator token, or a gateway that allows it.
    #[arg(long, global = true)]
    operator: bool,
    /// Session token or API key, for client commands. API keys can act for any user.
    #[arg(long, global = true, env = "AUCTION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all components in one process, with local Redis and Postgres if none are given
    Up(up::UpArgs),
    /// Run one component with the Redis and Postgres of the settings
    Run {
        /// Name of the component
        component: Component,
        #[command(flatten)]
        args: ComponentArgs,
    },
    /// Compare stored events, published events and read models
    Verify(verify::VerifyArgs),
    /// Show the lag, pending entries, age, owner and rates of every stream, and repair their times
    Streams(streams::StreamsArgs),
    /// Verify the draws of an auction against its commitment
    Draws(draws::DrawsArgs),
    /// Manage commands that could not be processed: list, show, requeue, drop
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Rebuild the read models as a new generation, and switch to it
    Rebuild(rebuild::RebuildArgs),
    /// Manage accounts: show, grant a role, end sessions
    Accounts(accounts::AccountsArgs),
    /// Manage API keys, with which programs act for users: create, list, revoke
    ApiKeys(accounts::ApiKeyArgs),
    /// Manage events that a component cannot process: list, show, retry, drop
    ParkedEvents(parked_events::ParkedEventsArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

fn main() -> ExitCode {
    let Portal { url, operator, token, command } = Portal::parse();
    match command {
        Command::Up(args) => report(block_on(up::up(args))),
        Command::Run { component, args } => run_component(component, args),
        Command::Verify(args) => show(block_on(verify::run(args))),
        Command::Streams(args) => show(block_on(streams::run(args))),
        Command::Draws(args) => show(block_on(draws::run(args))),
        Command::DeadLetters(args) => show(block_on(dead_letters::run(args))),
        Command::Rebuild(args) => show(block_on(rebuild::run(args))),
        Command::Accounts(args) => show(block_on(accounts::accounts(args))),
        Command::ApiKeys(args) => show(block_on(accounts::api_keys(args))),
        Command::ParkedEvents(args) => show(block_on(parked_events::run(args))),
        Command::Client(command) => {
            match block_on(Box::pin(async move {
                Ok(auction_cli::run(ClientArgs { url, operator, token, command }).await)
            })) {
                Ok(code) => code,
                Err(error) => report(Err(error)),
            }
        }
    }
}

/// Prints the output of an operator command and returns its exit status.
fn show(result: Result<CommandOutput, ProcessError>) -> ExitCode {
    match result {
        Ok(CommandOutput { text, success }) => {
            // The program that reads the output may have ended, such as `head`.
            let _ = std::io::stdout().write_all(text.as_bytes());
            if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => report(Err(error)),
    }
}
