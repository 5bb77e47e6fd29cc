//! Kinds of notifications, and which of them a user receives.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotificationKind {
    /// The user won an auction.
    AuctionWon,
    /// The highest bid changed in an auction in which the user has an active bid.
    HighestBid,
    /// A bid of the user was doubled.
    BidDoubled,
}

/// Kinds of notifications that a user receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationPreferences {
    pub auction_won: bool,
    pub highest_bid: bool,
    pub bid_doubled: bool,
}

impl Default for NotificationPreferences {
    /// Returns all kinds: a user without a choice must not miss one. Notifications stay in the portal unless
    /// the user adds a webhook or asks for e-mail.
    fn default() -> NotificationPreferences {
        NotificationPreferences { auction_won: true, highest_bid: true, bid_doubled: true }
    }
}

impl NotificationPreferences {
    pub const NONE: NotificationPreferences =
        NotificationPreferences { auction_won: false, highest_bid: false, bid_doubled: false };

    pub fn includes(&self, kind: NotificationKind) -> bool {
        match kind {
            NotificationKind::AuctionWon => self.auction_won,
            NotificationKind::HighestBid => self.highest_bid,
            NotificationKind::BidDoubled => self.bid_doubled,
        }
    }
}
