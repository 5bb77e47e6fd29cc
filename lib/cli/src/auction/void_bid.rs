//! `auction void-bid`: voids a bid.

use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use crate::outcome::send_and_print;
use auction_wire::api::CommandDone;
use auction_wire::command::void_bid::VoidBidRequest;
use clap::Args;
use reqwest::Method;
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct VoidBidArgs {
    /// Id of the auction.
    pub auction: Uuid,
    /// Id of the bid.
    pub bid: Uuid,
    /// Reason, which is recorded.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn void_bid(client: &Client, console: &Console, args: &VoidBidArgs) -> Result<(), CliError> {
    let request = VoidBidRequest { reason: args.reason.clone() };
    let path = format!("/auction/{}/bid/{}/void", args.auction, args.bid);
    let command = Command::new(Method::POST, path, None, new_idempotency_key()).with_body(&request);
    let line = |_: &CommandDone| Ok(format!("voided {}", args.bid));
    send_and_print(client, console, &command, args.json, line).await
}
