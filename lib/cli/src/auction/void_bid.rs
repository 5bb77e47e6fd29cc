//! `auction void-bid`: strike a bid out.

use crate::client::{Client, Command, fresh_key};
use crate::console::Console;
use crate::error::CliError;
use auction_wire::api::VoidBidRequest;
use clap::Args;
use uuid::Uuid;

/// Flags of `auction void-bid`.
#[derive(Clone, Debug, Args)]
pub struct VoidBidArgs {
    /// The auction.
    pub auction: Uuid,
    /// The bid.
    pub bid: Uuid,
    /// Why; kept on record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn void_bid(client: &Client, screen: &Console, args: &VoidBidArgs) -> Result<(), CliError> {
    let request = VoidBidRequest { reason: args.reason.clone() };
    let command = Command::void_bid(fresh_key(), args.auction, args.bid, &request);
    let done =
        client.command(&command).await?.map_err(|problem| CliError::Refused { problem, json: args.json })?;
    if args.json {
        screen.json(&done);
    } else {
        screen.line(&format!("voided {}", args.bid));
    }
    Ok(())
}
