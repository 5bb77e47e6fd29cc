//! Refusals that several commands on an existing auction share.

pub(super) use crate::refusal::{INTERNAL_COMMAND, UnknownSender, refusals};

refusals! {
    UnknownAuction = Unknown("unknown_auction", "there is no such auction",
        "Check the id. An auction that was just created may not be visible yet: send the Consistency-Token of \
         the command.");
    VersionConflict = VersionConflict("version_conflict",
        "the auction is at version {actual_version}, not {expected_version}",
        "Read the auction again and send the command with its new ETag if you still want it. Both members are \
         absent if If-Match does not contain the version of an auction.") {
            expected_version: Count = "version required by If-Match",
            actual_version: Count = "version of the auction at the decision",
        };
    NotYourAuction = Forbidden("not_your_auction", "only the seller or an operator can change an auction",
        "Do not repeat the request. Check that you act as the seller of this auction.");
    AuctionNotStarted = Conflict("auction_not_started", "the auction has not started yet",
        "Send the command again after `starts_at`.") { starts_at: Time = "start of bidding" };
    AuctionEnded = Conflict("auction_ended", "the auction has ended",
        "Read the auction. Its result is declared shortly after the end.")
        { ends_at: Time = "end of bidding, including extensions" };
    AuctionClosed = Conflict("auction_closed", "the auction is closed and its result is final",
        "Read the auction for its result.");
    AuctionCancelled = Conflict("auction_cancelled", "the auction is cancelled", "Do not repeat the request.");
    UnknownBid = Unknown("unknown_bid", "there is no such bid in this auction",
        "Check the ids of the auction and of the bid.");
    BidNotActive = Conflict("bid_not_live",
        "the bid is no longer active: it was deleted, voided or retracted", "No action is needed.");
    NotPromoted = Conflict("not_promoted", "the auction has no draws", INTERNAL_COMMAND);
}
