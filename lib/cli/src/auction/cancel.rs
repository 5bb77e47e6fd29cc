//! `auction cancel`: call an auction off.

use crate::client::{Client, Command, fresh_key};
use crate::console::Console;
use crate::error::CliError;
use clap::Args;
use uuid::Uuid;

/// Flags of `auction cancel`.
#[derive(Clone, Debug, Args)]
pub struct CancelAuctionArgs {
    /// The auction.
    pub auction: Uuid,
    /// Its seller; needed unless --operator is given.
    #[arg(long = "as", value_name = "USER")]
    pub user: Option<Uuid>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn cancel(
    client: &Client,
    screen: &Console,
    args: &CancelAuctionArgs,
) -> Result<(), CliError> {
    if args.user.is_none() && !client.is_operator() {
        return Err(CliError::Usage("say who you are: --as USER for the seller, or --operator"));
    }
    let command = Command::cancel_auction(fresh_key(), args.auction, args.user);
    let done =
        client.command(&command).await?.map_err(|problem| CliError::Refused { problem, json: args.json })?;
    if args.json {
        screen.json(&done);
    } else {
        screen.line(&format!("cancelled {}", args.auction));
    }
    Ok(())
}
