//! `auction list`: lists the auctions without a result yet.

use super::show_time;
use crate::client::Client;
use crate::console::{Console, table};
use crate::error::CliError;
use crate::money;
use auction_wire::view::{AuctionItem, AuctionList};
use clap::Args;

#[derive(Clone, Debug, Args)]
pub struct ListAuctionsArgs {
    /// Maximum number of auctions.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print the list as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn list(
    client: &Client,
    console: &Console,
    args: &ListAuctionsArgs,
) -> Result<(), CliError> {
    let (list, more) = fetch(client, args).await?;
    if args.json {
        console.json(&list);
        return Ok(());
    }
    if list.auctions.is_empty() {
        console.eprint("no auctions; create one with `portal auction create`");
        return Ok(());
    }
    let head = ["auction", "ends", "opening bid", "highest", "bids", "title"];
    let rows: Vec<_> =
        std::iter::once(head.map(str::to_owned).to_vec()).chain(list.auctions.iter().map(row)).collect();
    for line in table(&rows, &[false, false, true, true, true, false]) {
        console.line(&line);
    }
    if more {
        console.eprint(&format!("only the first {} are listed; list more with --limit", list.auctions.len()));
    }
    Ok(())
}

/// Reads pages until the limit is reached. Returns whether there are more auctions.
async fn fetch(client: &Client, args: &ListAuctionsArgs) -> Result<(AuctionList, bool), CliError> {
    let limit = args.limit as usize;
    let mut list = AuctionList { auctions: Vec::new(), next: Some(format!("/auctions?limit={limit}")) };
    while list.auctions.len() < limit {
        let Some(path) = list.next.take() else { break };
        let page: AuctionList = client
            .get(&path, None)
            .await?
            .map_err(|problem| CliError::Refused { problem, json: args.json })?;
        if page.auctions.is_empty() || page.next.as_ref() == Some(&path) {
            list.auctions.extend(page.auctions);
            break;
        }
        list.auctions.extend(page.auctions);
        list.next = page.next;
    }
    let more = list.next.is_some() || list.auctions.len() > limit;
    if list.auctions.len() > limit {
        list.auctions.truncate(limit);
        list.next = None; // the next page would skip the auctions cut off here
    }
    Ok((list, more))
}

fn row(item: &AuctionItem) -> Vec<String> {
    vec![
        item.id.to_string(),
        show_time(item.ends_at),
        money::show(&item.opening_bid),
        item.highest.as_ref().map(money::show).unwrap_or_default(),
        item.bids.to_string(),
        item.title.clone(),
    ]
}
