//! The projector makes read models from events: JSON bodies that `GET` serves byte for byte.
//!
//! A batch of events is applied to the projections of its auctions. Each view that changed is then written
//! once, together with the checkpoint.

mod event_handler;
pub mod rebuild;
mod view_set;
pub mod views;

pub use crate::consume::auction_projection::{AuctionProjection, ProjectionCache};
pub use event_handler::{Projector, changed_bids};
pub use view_set::ViewSet;
