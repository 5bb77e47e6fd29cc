//! Use cases of the auctioneer: it closes auctions at their end time and completes user deletions.

pub mod closing;
pub mod user_deletion;
