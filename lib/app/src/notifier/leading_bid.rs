//! How the lead of an auction changed within a batch of events.

use auction_domain::auction::{Auction, AuctionEvent};
use auction_domain::{Amount, BidId, Timestamp, UserId};
use auction_wire::notification::BidderStatus;
use std::collections::BTreeSet;

/// The best bid.
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

/// One or more changes in a row.
#[derive(Debug)]
pub(super) struct LeadChange {
    before: Option<LeadingBid>,
    /// Everybody who led in between, and before.
    led: BTreeSet<UserId>,
    /// The bid that took the lead last by being placed: its bidder was told so when he placed it.
    placed: Option<BidId>,
    /// Of the last change.
    pub(super) position: u64,
    pub(super) at: Timestamp,
}

impl LeadChange {
    pub(super) fn since(before: Option<LeadingBid>) -> LeadChange {
        let led = before.iter().map(|lead| lead.bidder).collect();
        LeadChange { before, led, placed: None, position: 0, at: Timestamp(0) }
    }

    /// One more.
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

    /// Whether it comes to anything.
    pub(super) fn is_news(&self, now: LeadingBid) -> bool {
        self.before != Some(now)
    }

    /// What it means for a bidder; nothing if he knows already.
    pub(super) fn standing(&self, now: LeadingBid, bidder: UserId) -> Option<BidderStatus> {
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
