//! What a close removes first: the bids and the auction of barred users. The user-deletion process sends the same
//! removals after the bar, so without this a close could overtake them.

use auction_domain::auction::{Auction, AuctionCommand, CancelAuction, CloseAuction, RetractBids, Status};
use auction_domain::{Timestamp, UserId};
use auction_wire::{Command, CommandBody};

pub(super) fn is_close(command: &Command) -> bool {
    matches!(command.body, CommandBody::Auction(AuctionCommand::CloseAuction(CloseAuction)))
}

/// Returns the commands that remove what barred users have left in an auction that is closed at this time; none if
/// it is too early to close it.
pub(super) fn removals(
    auction: &Auction,
    close: &Command,
    at: Timestamp,
    is_barred: impl Fn(UserId) -> bool,
) -> Vec<Command> {
    if auction.status() != Status::Open || at < auction.ends_at() {
        return Vec::new();
    }
    let removal = |body| Command { body: CommandBody::Auction(body), ..close.clone() };
    if auction.terms().seller.is_some_and(&is_barred) {
        return vec![removal(AuctionCommand::CancelAuction(CancelAuction))];
    }
    let mut barred: Vec<UserId> = auction.bidders().filter(|bidder| is_barred(*bidder)).collect();
    barred.sort_unstable();
    let retract = |bidder| removal(AuctionCommand::RetractBids(RetractBids { bidder }));
    barred.into_iter().map(retract).collect()
}
