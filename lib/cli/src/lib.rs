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
mod replay;
mod subscriptions;
mod user;

pub use args::{AuctionCommand, ClientArgs, ClientCommand, UserCommand};
pub use auction::cancel::CancelAuctionArgs;
pub use auction::create::CreateAuctionArgs;
pub use auction::draft::AuctionDraft;
pub use auction::list::ListAuctionsArgs;
pub use auction::show::ShowAuctionArgs;
pub use auction::void_bid::VoidBidArgs;
pub use bid::BidArgs;
pub use console::Console;
pub use notifications::NotificationsArgs;
pub use replay::ReplayArgs;
pub use subscriptions::SubscriptionsArgs;
pub use user::{CreateUserArgs, DeleteUserArgs};

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
        ClientCommand::User(UserCommand::Create(args)) => user::create(&client, console, args).await,
        ClientCommand::User(UserCommand::Delete(args)) => user::delete(&client, console, args).await,
        ClientCommand::Auction(AuctionCommand::Create(args)) => {
            auction::create::create(&client, console, args).await
        }
        ClientCommand::Auction(AuctionCommand::List(args)) => {
            auction::list::list(&client, console, args).await
        }
        ClientCommand::Auction(AuctionCommand::Show(args)) => {
            auction::show::show(&client, console, args).await
        }
        ClientCommand::Auction(AuctionCommand::Cancel(args)) => {
            auction::cancel::cancel(&client, console, args).await
        }
        ClientCommand::Auction(AuctionCommand::VoidBid(args)) => {
            auction::void_bid::void_bid(&client, console, args).await
        }
        ClientCommand::Bid(args) => bid::bid(&client, console, args).await,
        ClientCommand::Subscriptions(args) => subscriptions::subscriptions(&client, console, args).await,
        ClientCommand::Notifications(args) => notifications::notifications(&client, console, args).await,
        ClientCommand::Replay(args) => replay::replay(&client, console, args).await,
    }
}
