//! `auction create`: offer one thing by flags, or many by a file.

use super::auction_csv;
use super::draft::AuctionDraft;
use crate::client::{Client, Command, fresh_key};
use crate::console::Console;
use crate::error::CliError;
use auction_domain::Timestamp;
use auction_wire::api::CreateAuctionRequest;
use clap::Args;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Flags of `auction create`.
#[derive(Clone, Debug, Args)]
pub struct CreateAuctionArgs {
    /// What is on offer.
    #[command(flatten)]
    pub offer: AuctionDraft,
    /// Take many offers from a CSV file instead, one a row. Its columns are those of the other flags, with
    /// underscores: title, description, currency, opening_bid, reserve, starts_at, ends_at, ends_in,
    /// extend_by, within, at_most, retraction_lock.
    #[arg(long, value_name = "FILE.csv", verbatim_doc_comment)]
    pub from: Option<PathBuf>,
    /// Who sells.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Print the answer as JSON, one line per auction.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn create(
    client: &Client,
    screen: &Console,
    args: &CreateAuctionArgs,
) -> Result<(), CliError> {
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    match &args.from {
        None => send(client, screen, args, &args.offer.request(now)?).await,
        Some(_) if args.offer != AuctionDraft::default() => {
            Err(CliError::Usage("--from takes everything from the file; leave the flags of the offer out"))
        }
        Some(path) => create_all(client, screen, args, path, now).await,
    }
}

async fn create_all(
    client: &Client,
    screen: &Console,
    args: &CreateAuctionArgs,
    path: &Path,
    now: Timestamp,
) -> Result<(), CliError> {
    let items = auction_csv::read(path, now)?;
    let mut refused = 0;
    for item in &items {
        match send(client, screen, args, &item.request).await {
            Ok(()) => {}
            Err(error @ CliError::Refused { .. }) => {
                refused += 1;
                screen.eprint(&format!("line {}: {}", item.line, item.request.title));
                error.tell(screen);
            }
            Err(error) => {
                screen.eprint(&format!(
                    "stopped at line {}; the auctions above are created, so remove their rows before you try again",
                    item.line
                ));
                return Err(error);
            }
        }
    }
    if refused == 0 { Ok(()) } else { Err(CliError::Unfinished) }
}

async fn send(
    client: &Client,
    screen: &Console,
    args: &CreateAuctionArgs,
    request: &CreateAuctionRequest,
) -> Result<(), CliError> {
    let command = Command::create_auction(fresh_key(), args.user, request);
    let done =
        client.command(&command).await?.map_err(|problem| CliError::Refused { problem, json: args.json })?;
    match done.auction {
        _ if args.json => screen.json(&done),
        Some(auction) if args.from.is_some() => screen.line(&format!("{auction}  {}", request.title)),
        Some(auction) => screen.line(&auction.to_string()),
        None => return Err(client.misunderstood("a new auction without its id").into()),
    }
    Ok(())
}
