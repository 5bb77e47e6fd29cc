//! What a user wants to be told.

/// The kinds of notifications there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotificationKind {
    /// An auction was closed and he won it.
    AuctionWon,
    /// The highest bid changed in an auction where he has a live bid.
    HighestBid,
    /// One of his bids counts twice from now on.
    BidDoubled,
}

/// Which of them a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationPreferences {
    /// See [`NotificationKind::AuctionWon`].
    pub auction_won: bool,
    /// See [`NotificationKind::HighestBid`].
    pub highest_bid: bool,
    /// See [`NotificationKind::BidDoubled`].
    pub bid_doubled: bool,
}

impl Default for NotificationPreferences {
    /// All of them: who never chose would be surprised to miss one, and nothing leaves the portal.
    fn default() -> NotificationPreferences {
        NotificationPreferences { auction_won: true, highest_bid: true, bid_doubled: true }
    }
}

impl NotificationPreferences {
    /// None at all.
    pub const NONE: NotificationPreferences =
        NotificationPreferences { auction_won: false, highest_bid: false, bid_doubled: false };

    /// Whether he is to be told.
    pub fn want(&self, kind: NotificationKind) -> bool {
        match kind {
            NotificationKind::AuctionWon => self.auction_won,
            NotificationKind::HighestBid => self.highest_bid,
            NotificationKind::BidDoubled => self.bid_doubled,
        }
    }
}
