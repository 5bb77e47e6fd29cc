//! The read models: JSON that the projector writes and the ingress serves byte for byte. One file per view.

mod auction;
mod auctions;
mod bids;
mod live;
mod user;
mod user_bids;

pub use auction::{AuctionStatus, AuctionView, PromotionView, TopBid, WinnerView};
pub use auctions::{AuctionItem, AuctionList};
pub use bids::{BidItem, BidItemState, BidList};
pub use live::{LiveEvent, LiveEvents};
pub use user::UserView;
pub use user_bids::{BidderItem, UserBid, UserBids, UserStanding};
