//! `subscriptions`: shows and changes the notification preferences of a user.

use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use auction_wire::api::SubscriptionsRequest;
use clap::{Args, ValueEnum};
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct SubscriptionsArgs {
    /// User id of the recipient.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Notify when the user wins an auction.
    #[arg(long, value_name = "ON|OFF")]
    pub auction_won: Option<Switch>,
    /// Notify when the highest bid changes in an auction in which the user has a bid.
    #[arg(long, value_name = "ON|OFF")]
    pub highest_bid: Option<Switch>,
    /// Notify when a bid of the user is doubled.
    #[arg(long, value_name = "ON|OFF")]
    pub bid_doubled: Option<Switch>,
    /// Print the preferences as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Whether a kind of notification is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

impl SubscriptionsArgs {
    fn has_changes(&self) -> bool {
        [self.auction_won, self.highest_bid, self.bid_doubled].iter().any(Option::is_some)
    }

    /// Returns the current preferences with the given flags applied.
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
    console: &Console,
    args: &SubscriptionsArgs,
) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    let mut now: SubscriptionsRequest =
        client.get("/subscriptions", Some(args.user)).await?.map_err(refused)?;
    if args.has_changes() {
        now = args.changed(now);
        let command = Command::change_subscriptions(new_idempotency_key(), args.user, &now);
        client.command(&command).await?.map_err(refused)?;
    }
    if args.json {
        console.json(&now);
    } else {
        let message = |on| if on { "on" } else { "off" };
        console.line(&format!("auction_won  {}", message(now.auction_won)));
        console.line(&format!("highest_bid  {}", message(now.highest_bid)));
        console.line(&format!("bid_doubled  {}", message(now.bid_doubled)));
    }
    Ok(())
}
