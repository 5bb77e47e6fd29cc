//! `bid`: bid on an auction.

use crate::client::{Client, Command, fresh_key};
use crate::console::Console;
use crate::error::CliError;
use crate::money;
use auction_wire::api::{CommandDone, PlaceBidRequest};
use clap::Args;
use uuid::Uuid;

/// Flags of `bid`.
#[derive(Clone, Debug, Args)]
pub struct BidArgs {
    /// The auction.
    pub auction: Uuid,
    /// How much, in the auction's currency, as people write it: 200.01 (not in cents).
    pub amount: String,
    /// Who bids.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Only if the auction still is at this version (`auction show --json` has it).
    #[arg(long, value_name = "VERSION")]
    pub if_version: Option<u64>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn bid(client: &Client, screen: &Console, args: &BidArgs) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    // The auction says what its amounts are in, and so how many digits they have.
    let auction = client.auction(args.auction).await?.map_err(refused)?;
    let request = PlaceBidRequest { amount: money::read(&args.amount, &auction.currency)? };
    let command =
        Command::place_bid(fresh_key(), args.auction, args.user, &request).if_version(args.if_version);
    let done = client.command(&command).await?.map_err(refused)?;
    if args.json {
        screen.json(&done);
    } else {
        screen.line(&describe(&done, request.amount, &auction.currency));
    }
    Ok(())
}

fn describe(done: &CommandDone, amount: u64, currency: &str) -> String {
    let bid = done.bid.map(|bid| format!(" as {bid}")).unwrap_or_default();
    let amount = money::plain(amount, currency);
    let standing = match (done.leads, done.rank, &done.highest) {
        (Some(true), ..) => "; it leads".to_owned(),
        (Some(false), Some(rank), Some(highest)) => {
            format!("; it is number {rank}, the highest is {}", money::show(highest))
        }
        _ => String::new(),
    };
    format!("bid {amount} {currency}{bid}{standing}")
}
