//! Commands on auctions, except bidding.

pub(crate) mod auction_csv;
mod cancel;
mod create;
pub(crate) mod draft;
mod list;
mod show;
mod void_bid;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;
use auction_wire::time::{self, JsonTime};
use clap::Subcommand;

/// Commands on auctions, except bidding.
#[derive(Clone, Debug, Subcommand)]
pub enum AuctionCommand {
    /// Create an auction from flags, or many from a CSV file, and print the ids.
    Create(Box<create::CreateAuctionArgs>),
    /// List the auctions without a result yet, by end time.
    List(list::ListAuctionsArgs),
    /// Show an auction: its terms, highest bids and winner.
    Show(show::ShowAuctionArgs),
    /// Cancel an auction, as its seller or as an operator.
    Cancel(cancel::CancelAuctionArgs),
    /// Void a bid of an auction, with a reason, as an operator.
    VoidBid(void_bid::VoidBidArgs),
}

pub(crate) async fn run(
    client: &Client,
    console: &Console,
    command: &AuctionCommand,
) -> Result<(), CliError> {
    match command {
        AuctionCommand::Create(args) => create::create(client, console, args).await,
        AuctionCommand::List(args) => list::list(client, console, args).await,
        AuctionCommand::Show(args) => show::show(client, console, args).await,
        AuctionCommand::Cancel(args) => cancel::cancel(client, console, args).await,
        AuctionCommand::VoidBid(args) => void_bid::void_bid(client, console, args).await,
    }
}

/// Formats a time to the second, such as `2026-11-22 18:30:00Z`.
pub(crate) fn show_time(time: JsonTime) -> String {
    let text = time::format(time.0);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}
