//! The commands of the client and their flags.

use crate::auction::AuctionCommand;
use crate::bid::BidArgs;
use crate::notifications::NotificationsArgs;
use crate::replay::ReplayArgs;
use crate::subscriptions::SubscriptionsArgs;
use crate::user::UserCommand;
use clap::{Args, Subcommand};

/// A client command, and the portal to send it to.
#[derive(Clone, Debug, Args)]
#[command(about = None, long_about = None)] // keeps the description of the program that flattens this
pub struct ClientArgs {
    /// URL of the portal.
    #[arg(long, global = true, value_name = "URL", default_value = ClientArgs::DEFAULT_URL)]
    pub url: String,
    /// Run the command as an operator. Requires an operator token, or a gateway that allows it.
    #[arg(long, global = true)]
    pub operator: bool,
    /// Session token or API key. API keys can act for any user.
    #[arg(long, global = true, env = "AUCTION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    #[command(subcommand)]
    pub command: ClientCommand,
}

impl ClientArgs {
    /// Default URL of a portal.
    pub const DEFAULT_URL: &str = "http://127.0.0.1:8080";
}

/// Commands of the client.
#[derive(Clone, Debug, Subcommand)]
#[command(about = None, long_about = None)]
pub enum ClientCommand {
    /// Create and delete users.
    #[command(subcommand)]
    User(UserCommand),
    /// Create, list, show and cancel auctions.
    #[command(subcommand)]
    Auction(AuctionCommand),
    /// Bid on an auction.
    Bid(BidArgs),
    /// Show or change the notification preferences of a user.
    Subscriptions(SubscriptionsArgs),
    /// Show the notifications of a user, oldest first.
    Notifications(NotificationsArgs),
    /// Play a bidding history against the portal, and compare its winners with the recorded prices.
    ///
    /// Creates a user for each bidder and one for a seller, creates the auctions, places all bids in time
    /// order as fast as the portal accepts them, ends each auction, and prints the winners. Every step has
    /// its own idempotency key, so a repeated step has no second effect: the replay repeats requests while
    /// the portal is unavailable, and --run continues a replay that was stopped.
    Replay(ReplayArgs),
}
