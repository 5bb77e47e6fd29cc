//! The command-line client of the portal: everything that a person or a script does over HTTP.
//!
//! [`ClientCommand`] is what can be asked for; [`run`] does it. The client knows nothing of the portal's
//! inside: it speaks the JSON of `auction_wire::api` and `auction_wire::view`, like any other client.
//!
//! Exit codes: 0 done; 1 refused, unreachable or unfinished; 2 wrong usage (arguments, unreadable files).

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
pub use subscriptions::{SubscriptionsArgs, Switch};
pub use user::{CreateUserArgs, DeleteUserArgs};

use client::{Client, RetryBudget};
use error::CliError;
use std::process::ExitCode;

/// Does what was asked for, on the terminal.
pub async fn run(args: ClientArgs) -> ExitCode {
    run_on(args, &Console::terminal()).await
}

/// Does what was asked for, on this screen.
pub async fn run_on(args: ClientArgs, screen: &Console) -> ExitCode {
    match dispatch(args, screen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.tell(screen);
            error.exit_code()
        }
    }
}

async fn dispatch(args: ClientArgs, screen: &Console) -> Result<(), CliError> {
    let patience = match &args.command {
        ClientCommand::Replay(replay) => RetryBudget::new(replay.give_up_after),
        _ => RetryBudget::interactive(),
    };
    let client = Client::new(&args.url, args.operator, args.token.as_deref(), patience, screen.clone())?;
    match &args.command {
        ClientCommand::User(UserCommand::Create(args)) => user::create(&client, screen, args).await,
        ClientCommand::User(UserCommand::Delete(args)) => user::delete(&client, screen, args).await,
        ClientCommand::Auction(AuctionCommand::Create(args)) => {
            auction::create::create(&client, screen, args).await
        }
        ClientCommand::Auction(AuctionCommand::List(args)) => {
            auction::list::list(&client, screen, args).await
        }
        ClientCommand::Auction(AuctionCommand::Show(args)) => {
            auction::show::show(&client, screen, args).await
        }
        ClientCommand::Auction(AuctionCommand::Cancel(args)) => {
            auction::cancel::cancel(&client, screen, args).await
        }
        ClientCommand::Auction(AuctionCommand::VoidBid(args)) => {
            auction::void_bid::void_bid(&client, screen, args).await
        }
        ClientCommand::Bid(args) => bid::bid(&client, screen, args).await,
        ClientCommand::Subscriptions(args) => subscriptions::subscriptions(&client, screen, args).await,
        ClientCommand::Notifications(args) => notifications::notifications(&client, screen, args).await,
        ClientCommand::Replay(args) => replay::replay(&client, screen, args).await,
    }
}
