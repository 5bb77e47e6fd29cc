//! `subscriptions`: what a user is told, and choosing it.

use crate::client::{Client, Command, fresh_key};
use crate::console::Console;
use crate::error::CliError;
use auction_wire::api::SubscriptionsRequest;
use clap::{Args, ValueEnum};
use uuid::Uuid;

/// Flags of `subscriptions`.
#[derive(Clone, Debug, Args)]
pub struct SubscriptionsArgs {
    /// Whose.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Be told of auctions that were won.
    #[arg(long, value_name = "ON|OFF")]
    pub auction_won: Option<Switch>,
    /// Be told when the highest bid changes in an auction with a bid of one's own.
    #[arg(long, value_name = "ON|OFF")]
    pub highest_bid: Option<Switch>,
    /// Be told when a bid of one's own counts twice.
    #[arg(long, value_name = "ON|OFF")]
    pub bid_doubled: Option<Switch>,
    /// Print them as JSON.
    #[arg(long)]
    pub json: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Tell.
    On,
    /// Do not tell.
    Off,
}

impl SubscriptionsArgs {
    fn asks_for_a_change(&self) -> bool {
        [self.auction_won, self.highest_bid, self.bid_doubled].iter().any(Option::is_some)
    }

    /// What is not said stays as it is.
    fn changed(&self, now: SubscriptionsRequest) -> SubscriptionsRequest {
        let or = |switch: Option<Switch>, now| switch.map_or(now, |switch| switch == Switch::On);
        SubscriptionsRequest {
            auction_won: or(self.auction_won, now.auction_won),
            highest_bid: or(self.highest_bid, now.highest_bid),
            bid_doubled: or(self.bid_doubled, now.bid_doubled),
        }
    }
}

pub(crate) async fn subscriptions(
    client: &Client,
    screen: &Console,
    args: &SubscriptionsArgs,
) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    let mut now: SubscriptionsRequest =
        client.get("/subscriptions", Some(args.user)).await?.map_err(refused)?;
    if args.asks_for_a_change() {
        now = args.changed(now);
        let command = Command::change_subscriptions(fresh_key(), args.user, &now);
        client.command(&command).await?.map_err(refused)?;
    }
    if args.json {
        screen.json(&now);
    } else {
        let said = |on| if on { "on" } else { "off" };
        screen.line(&format!("auction_won  {}", said(now.auction_won)));
        screen.line(&format!("highest_bid  {}", said(now.highest_bid)));
        screen.line(&format!("bid_doubled  {}", said(now.bid_doubled)));
    }
    Ok(())
}
