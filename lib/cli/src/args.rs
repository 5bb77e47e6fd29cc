//! The commands and their flags.

use crate::auction::cancel::CancelAuctionArgs;
use crate::auction::create::CreateAuctionArgs;
use crate::auction::list::ListAuctionsArgs;
use crate::auction::show::ShowAuctionArgs;
use crate::auction::void_bid::VoidBidArgs;
use crate::bid::BidArgs;
use crate::notifications::NotificationsArgs;
use crate::replay::ReplayArgs;
use crate::subscriptions::SubscriptionsArgs;
use crate::user::{CreateUserArgs, DeleteUserArgs};
use clap::{Args, Subcommand};

/// What to do, and on which portal.
#[derive(Clone, Debug, Args)]
#[command(about = None, long_about = None)] // whoever flattens this says himself what he is
pub struct ClientArgs {
    /// Where the portal is.
    #[arg(long, global = true, value_name = "URL", default_value = ClientArgs::DEFAULT_URL)]
    pub url: String,
    /// Do it as an operator of the house; a gateway in front must let you, or a token.
    #[arg(long, global = true)]
    pub operator: bool,
    /// A token, or a service key, which may act for users.
    #[arg(long, global = true, env = "AUCTION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: ClientCommand,
}

impl ClientArgs {
    /// Where a portal listens unless told otherwise.
    pub const DEFAULT_URL: &str = "http://127.0.0.1:8080";
}

/// What the client can do.
#[derive(Clone, Debug, Subcommand)]
#[command(about = None, long_about = None)]
pub enum ClientCommand {
    /// Open and delete accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Offer things, and look at what is on offer.
    #[command(subcommand)]
    Auction(AuctionCommand),
    /// Bid on an auction.
    Bid(BidArgs),
    /// Show and choose what a user is told.
    Subscriptions(SubscriptionsArgs),
    /// Show what a user was told, the oldest first.
    Notifications(NotificationsArgs),
    /// Play a bidding history against the portal, and compare its winners with the recorded prices.
    ///
    /// Opens an account for each bidder and one for a seller, creates the auctions, places all bids in time
    /// order as fast as they are taken, ends each auction, and prints who won. Every step has its own
    /// idempotency key: while the portal is away the replay repeats its requests by itself, and --run
    /// continues a replay that was itself stopped; each step still has one effect.
    Replay(ReplayArgs),
}

/// What can be done with users.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Open an account; prints its id.
    Create(CreateUserArgs),
    /// Delete an account for good: its live bids are taken out, and its open auctions cancelled.
    Delete(DeleteUserArgs),
}

/// What can be done with auctions, besides bidding.
#[derive(Clone, Debug, Subcommand)]
pub enum AuctionCommand {
    /// Offer one thing by flags, or many by a file; prints their ids.
    Create(Box<CreateAuctionArgs>),
    /// List the auctions whose result is not declared yet, those that end first, first.
    List(ListAuctionsArgs),
    /// Show one auction: its terms, its best bids and its winner.
    Show(ShowAuctionArgs),
    /// Call an auction off, as its seller or as an operator.
    Cancel(CancelAuctionArgs),
    /// Strike a bid out of an auction, with a reason, as an operator.
    VoidBid(VoidBidArgs),
}
