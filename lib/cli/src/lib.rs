//! The command-line client of the portal, which uses its HTTP API.
//!
//! [`run`] executes a [`ClientCommand`]. Requests and responses are the JSON of `auction_wire::api` and
//! `auction_wire::view`.
//!
//! Exit status: 0 success; 1 refused, portal unavailable or not all steps done; 2 invalid arguments or files.

mod args;
mod auction;
mod bid;
mod client;
mod console;
mod decimal;
mod duration;
mod error;
mod money;
mod notifications;
mod outcome;
mod replay;
mod subscriptions;
mod user;

pub use args::{ClientArgs, ClientCommand};
pub use console::Console;

use client::{Client, RetryBudget};
use error::CliError;
use std::pin::Pin;
use std::process::ExitCode;

/// Executes a command on the terminal.
pub fn run(args: ClientArgs) -> Pin<Box<dyn Future<Output = ExitCode>>> {
    Box::pin(async move { run_on(args, &Console::terminal()).await })
}

/// Executes a command on the given console.
pub async fn run_on(args: ClientArgs, console: &Console) -> ExitCode {
    match dispatch(args, console).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print(console);
            error.exit_code()
        }
    }
}

async fn dispatch(args: ClientArgs, console: &Console) -> Result<(), CliError> {
    let retry_budget = match &args.command {
        ClientCommand::Replay(replay) => RetryBudget::new(replay.idle_timeout),
        _ => RetryBudget::interactive(),
    };
    let client = Client::new(&args.url, args.operator, args.token.as_deref(), retry_budget, console.clone())?;
    match &args.command {
        ClientCommand::User(command) => user::run(&client, console, command).await,
        ClientCommand::Auction(command) => auction::run(&client, console, command).await,
        ClientCommand::Bid(args) => bid::bid(&client, console, args).await,
        ClientCommand::Subscriptions(args) => subscriptions::subscriptions(&client, console, args).await,
        ClientCommand::Notifications(args) => notifications::notifications(&client, console, args).await,
        ClientCommand::Replay(args) => replay::replay(&client, console, args).await,
    }
}
