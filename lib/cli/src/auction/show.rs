//! `auction show`: shows an auction, and the bids of a user in it.

use super::show_time;
use crate::client::Client;
use crate::console::{Console, table};
use crate::error::CliError;
use crate::money;
use auction_domain::{AuctionId, UserId};
use auction_wire::alias::alias;
use auction_wire::view::{AuctionStatus, AuctionView, BidItem, BidItemState, BidList};
use clap::Args;
use serde::Serialize;
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct ShowAuctionArgs {
    /// Id of the auction.
    pub auction: Uuid,
    /// User whose bids are shown as well.
    #[arg(long = "as", value_name = "USER")]
    pub user: Option<Uuid>,
    /// Print the auction as JSON; with --as, `own_bids` has the bids of the user.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct ShownAuction<'a> {
    #[serde(flatten)]
    view: &'a AuctionView,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_bids: Option<&'a BidList>,
}

pub(crate) async fn show(client: &Client, console: &Console, args: &ShowAuctionArgs) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    let view = client.auction(args.auction).await?.map_err(refused)?;
    let own: Option<BidList> = match args.user {
        None => None,
        Some(user) => {
            let path = format!("/auction/{}/bids?by=me&limit=1000", args.auction);
            Some(client.get(&path, Some(user)).await?.map_err(refused)?)
        }
    };
    if args.json {
        console.json(&ShownAuction { view: &view, own_bids: own.as_ref() });
        return Ok(());
    }
    let me = args.user.map(|user| alias(AuctionId(args.auction), UserId(user)));
    let lines = terms(&view, me.as_deref()).into_iter().chain(best(&view, me.as_deref()));
    for line in lines.chain(own.iter().flat_map(own_bids)) {
        console.line(&line);
    }
    Ok(())
}

fn name(alias: &str, me: Option<&str>) -> String {
    if me == Some(alias) { format!("{alias} (you)") } else { alias.to_owned() }
}

fn terms(view: &AuctionView, me: Option<&str>) -> Vec<String> {
    let plural = if view.bidders == 1 { "" } else { "s" };
    let mut rows = vec![
        ("auction", view.id.to_string()),
        ("title", view.title.clone()),
        ("status", status(view)),
        ("starts", show_time(view.starts_at)),
        ("ends", show_time(view.ends_at)),
        ("opening bid", money::show(&view.opening_bid)),
        ("bids", format!("{} by {} bidder{plural}", view.bids, view.bidders)),
    ];
    if !view.description.is_empty() {
        rows.insert(2, ("description", view.description.replace('\n', " ")));
    }
    if let Some(met) = view.reserve_met {
        rows.push(("reserve", if met { "reached".to_owned() } else { "not reached".to_owned() }));
    }
    if let Some(seller) = &view.seller {
        rows.push(("seller", name(seller, me)));
    }
    if let Some(winner) = &view.winner {
        rows.push(("winner", format!("{}, price {}", name(&winner.bidder, me), money::show(&winner.price))));
    }
    let rows: Vec<_> = rows.into_iter().map(|(label, text)| vec![label.to_owned(), text]).collect();
    table(&rows, &[])
}

fn status(view: &AuctionView) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    match view.status {
        AuctionStatus::Open if now < view.starts_at.0.0 => "scheduled".to_owned(),
        AuctionStatus::Open if now >= view.ends_at.0.0 => "ended, result pending".to_owned(),
        AuctionStatus::Open => "open".to_owned(),
        AuctionStatus::Cancelled => "cancelled".to_owned(),
        AuctionStatus::Closed => match view.unsold_reason.as_deref() {
            Some(reason) => format!("closed, not sold: {}", reason.replace('_', " ")),
            None => "closed".to_owned(),
        },
    }
}

fn best(view: &AuctionView, me: Option<&str>) -> Vec<String> {
    if view.top_bids.is_empty() {
        return Vec::new();
    }
    let rows: Vec<_> = view
        .top_bids
        .iter()
        .map(|bid| {
            let doubled = if bid.doubled { "doubled" } else { "" };
            let at = show_time(bid.placed_at);
            vec![money::show(&bid.amount), name(&bid.bidder, me), at, doubled.to_owned()]
        })
        .collect();
    [String::new(), "highest bids".to_owned()].into_iter().chain(table(&rows, &[true])).collect()
}

fn own_bids(own: &BidList) -> Vec<String> {
    let row = |bid: &BidItem| {
        let state = match bid.state {
            BidItemState::Live => "",
            BidItemState::Deleted => "deleted",
            BidItemState::Voided => "voided by an operator",
            BidItemState::Retracted => "retracted",
        };
        vec![money::show(&bid.amount), bid.id.to_string(), show_time(bid.placed_at), state.to_owned()]
    };
    let rows: Vec<_> = own.bids.iter().map(row).collect();
    let head = format!("your bids ({})", own.count);
    [String::new(), head].into_iter().chain(table(&rows, &[true])).collect()
}
