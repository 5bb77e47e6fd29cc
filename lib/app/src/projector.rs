//! Events become ready-made answers: JSON that `GET` serves byte for byte.
//!
//! A batch is folded into the boards of the auctions it touches, and each view that changed is written
//! once, together with the checkpoint.

mod event_handler;
pub mod rebuild;
mod render;

pub use crate::consume::auction_projection::{AuctionProjection, ProjectionCache};
pub use event_handler::{Projector, bids_of};
pub use render::{auction_view, bid_item, bidder_item, json, leader, list_item, list_place, user_view};
