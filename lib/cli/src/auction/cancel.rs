//! `auction cancel`: cancels an auction.

use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use crate::outcome::send_and_print;
use auction_wire::api::CommandDone;
use clap::Args;
use reqwest::Method;
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct CancelAuctionArgs {
    /// Id of the auction.
    pub auction: Uuid,
    /// User id of the seller; required without --operator.
    #[arg(long = "as", value_name = "USER")]
    pub user: Option<Uuid>,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn cancel(
    client: &Client,
    console: &Console,
    args: &CancelAuctionArgs,
) -> Result<(), CliError> {
    if args.user.is_none() && !client.is_operator() {
        return Err(CliError::Usage("pass --as USER with the seller, or --operator"));
    }
    let path = format!("/auction/{}/cancel", args.auction);
    let command = Command::new(Method::POST, path, args.user, new_idempotency_key());
    let line = |_: &CommandDone| Ok(format!("cancelled {}", args.auction));
    send_and_print(client, console, &command, args.json, line).await
}
