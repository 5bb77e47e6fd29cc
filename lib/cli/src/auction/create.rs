//! `auction create`: creates an auction from flags, or many from a CSV file.

use super::auction_csv;
use super::draft::AuctionDraft;
use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use crate::outcome::send_and_print;
use auction_domain::Timestamp;
use auction_wire::api::CommandDone;
use auction_wire::command::create_auction::CreateAuctionRequest;
use clap::Args;
use std::path::{Path, PathBuf};
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct CreateAuctionArgs {
    #[command(flatten)]
    pub draft: AuctionDraft,
    /// Create one auction per row of a CSV file. Its columns are named like the flags, with underscores:
    /// title, description, currency, opening_bid, reserve, starts_at, ends_at, ends_in, extend_by, within,
    /// at_most, retraction_lock, no_promotion.
    #[arg(long, value_name = "FILE.csv", verbatim_doc_comment)]
    pub from: Option<PathBuf>,
    /// User id of the seller.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Print the outcome as JSON, one line per auction.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn create(
    client: &Client,
    console: &Console,
    args: &CreateAuctionArgs,
) -> Result<(), CliError> {
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    match &args.from {
        None => send(client, console, args, &args.draft.request(now)?).await,
        Some(_) if args.draft != AuctionDraft::default() => Err(CliError::Usage(
            "--from reads all values from the file; remove the other flags of the auction",
        )),
        Some(path) => create_all(client, console, args, path, now).await,
    }
}

async fn create_all(
    client: &Client,
    console: &Console,
    args: &CreateAuctionArgs,
    path: &Path,
    now: Timestamp,
) -> Result<(), CliError> {
    let rows = auction_csv::read(path, now)?;
    let mut refused = 0;
    for row in &rows {
        match send(client, console, args, &row.request).await {
            Ok(()) => {}
            Err(error @ CliError::Refused { .. }) => {
                refused += 1;
                console.eprint(&format!("line {}: {}", row.line, row.request.title));
                error.print(console);
            }
            Err(error) => {
                console.eprint(&format!(
                    "stopped at line {}; the auctions above are created: remove their rows before you retry",
                    row.line
                ));
                return Err(error);
            }
        }
    }
    if refused == 0 { Ok(()) } else { Err(CliError::Unfinished) }
}

async fn send(
    client: &Client,
    console: &Console,
    args: &CreateAuctionArgs,
    request: &CreateAuctionRequest,
) -> Result<(), CliError> {
    let command = Command::create_auction(new_idempotency_key(), args.user, request);
    let line = |done: &CommandDone| match done.auction {
        Some(auction) if args.from.is_some() => Ok(format!("{auction}  {}", request.title)),
        Some(auction) => Ok(auction.to_string()),
        None => Err(client.unexpected_response("a created auction without an id").into()),
    };
    send_and_print(client, console, &command, args.json, line).await
}
