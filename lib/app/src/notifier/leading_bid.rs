//! Changes of an auction's leading bid within a batch of events.

use auction_domain::auction::{Auction, AuctionEvent};
use auction_domain::{Amount, BidId, Timestamp, UserId};
use auction_wire::notification::BidderStatus;
use std::collections::BTreeSet;

/// Leading bid of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeadingBid {
    bid: BidId,
    bidder: UserId,
    pub(super) effective: Amount,
}

impl LeadingBid {
    pub(super) fn of(auction: &Auction) -> Option<LeadingBid> {
        let bid = auction.leader()?;
        Some(LeadingBid { bid: bid.id, bidder: bid.bidder, effective: bid.effective() })
    }
}

/// Combined changes of an auction's leading bid.
#[derive(Debug)]
pub(super) struct LeadChange {
    before: Option<LeadingBid>,
    /// Bidders who led before the changes or in between.
    led: BTreeSet<UserId>,
    /// Last bid that took the lead by being placed. Its bidder knows from the response to the bid.
    placed: Option<BidId>,
    /// Position of the event with the last change.
    pub(super) position: u64,
    pub(super) at: Timestamp,
}

impl LeadChange {
    pub(super) fn since(before: Option<LeadingBid>) -> LeadChange {
        let led = before.iter().map(|lead| lead.bidder).collect();
        LeadChange { before, led, placed: None, position: 0, at: Timestamp(0) }
    }

    pub(super) fn add(
        &mut self,
        event: &AuctionEvent,
        now: Option<LeadingBid>,
        position: u64,
        at: Timestamp,
    ) {
        (self.position, self.at) = (position, at);
        self.led.extend(now.map(|lead| lead.bidder));
        if let AuctionEvent::BidPlaced { bid, .. } = event {
            self.placed = Some(*bid);
        }
    }

    /// Returns whether the leading bid differs from the one before all changes.
    pub(super) fn is_changed(&self, now: LeadingBid) -> bool {
        self.before != Some(now)
    }

    /// Returns the new status of a bidder; `None` if the bidder knows it already.
    pub(super) fn bidder_status(&self, now: LeadingBid, bidder: UserId) -> Option<BidderStatus> {
        if bidder != now.bidder {
            return Some(if self.led.contains(&bidder) {
                BidderStatus::Outbid
            } else {
                BidderStatus::Behind
            });
        }
        let led_before = self.before.is_some_and(|before| before.bidder == bidder);
        (!led_before && self.placed != Some(now.bid)).then_some(BidderStatus::Leading)
    }
}
