//! `bid`: places a bid.

use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use crate::money;
use crate::outcome::send_and_print;
use auction_wire::api::CommandDone;
use auction_wire::command::place_bid::PlaceBidRequest;
use clap::Args;
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct BidArgs {
    /// Id of the auction.
    pub auction: Uuid,
    /// Amount in units of the auction's currency, such as 200.01 (not in cents).
    pub amount: String,
    /// User id of the bidder.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Place the bid only if the auction is at this version (see `auction show --json`).
    #[arg(long, value_name = "VERSION")]
    pub if_version: Option<u64>,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn bid(client: &Client, console: &Console, args: &BidArgs) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    // The currency of the auction decides how many digits the amount can have.
    let auction = client.auction(args.auction).await?.map_err(refused)?;
    let request = PlaceBidRequest { amount: money::read(&args.amount, &auction.currency)? };
    let command = Command::place_bid(new_idempotency_key(), args.auction, args.user, &request)
        .if_version(args.if_version);
    let line = |done: &CommandDone| Ok(describe(done, request.amount, &auction.currency));
    send_and_print(client, console, &command, args.json, line).await
}

fn describe(done: &CommandDone, amount: u64, currency: &str) -> String {
    let bid = done.bid.map(|bid| format!(" as {bid}")).unwrap_or_default();
    let amount = money::plain(amount, currency);
    let position = match (done.leads, done.rank, &done.highest) {
        (Some(true), ..) => "; leading".to_owned(),
        (Some(false), Some(rank), Some(highest)) => {
            format!("; rank {rank}, the highest bid is {}", money::show(highest))
        }
        _ => String::new(),
    };
    format!("bid {amount} {currency}{bid}{position}")
}
