//! The auctioneer: closes auctions at their end time, and runs the user-deletion process.

pub mod closing;
pub mod user_deletion;
