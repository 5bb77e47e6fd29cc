//! Kinds of notifications, and which of them a user receives.

/// Declares the kinds: `<variant>: <name>, <whether it is on by default>, <what happened>`.
macro_rules! notification_kinds {
    ($($kind:ident: $name:literal, $on_by_default:literal, $description:literal;)+) => {
        /// Kind of a notification. Its number is part of the ids of notifications, and the names are stored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum NotificationKind {
            $(#[doc = $description] $kind,)+
        }

        impl NotificationKind {
            pub const ALL: &'static [NotificationKind] = &[$(NotificationKind::$kind,)+];
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// Returns the name in the API, in the settings and in stored data.
            pub fn name(self) -> &'static str {
                match self {
                    $(NotificationKind::$kind => $name,)+
                }
            }

            /// Returns a sentence that says what happened.
            pub fn description(self) -> &'static str {
                match self {
                    $(NotificationKind::$kind => $description,)+
                }
            }

            /// Returns whether users receive the kind until they turn it off. Stored preferences are relative
            /// to this value, so it never changes.
            pub fn is_on_by_default(self) -> bool {
                match self {
                    $(NotificationKind::$kind => $on_by_default,)+
                }
            }
        }
    };
}

// New kinds are added at the end, since the number of a kind must not change. A user without a choice must not
// miss an important notification: notifications stay in the portal unless the user adds a webhook or asks for
// e-mail.
notification_kinds! {
    AuctionWon: "auction_won", true, "The user won an auction.";
    HighestBid: "highest_bid", true, "The highest bid changed in an auction in which the user has an active bid.";
    BidDoubled: "bid_doubled", true, "A bid of the user was doubled.";
    AuctionCancelled: "auction_cancelled", true, "An auction in which the user had the leading bid was cancelled.";
}

impl NotificationKind {
    /// Returns the kind with this name.
    pub fn named(name: &str) -> Option<NotificationKind> {
        NotificationKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// Set of the kinds of notifications that a user receives: one bit per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationPreferences(u64);

impl Default for NotificationPreferences {
    /// Returns the preferences of a user without a choice.
    fn default() -> NotificationPreferences {
        let all = NotificationKind::ALL.iter();
        all.fold(NotificationPreferences::NONE, |set, kind| set.with(*kind, kind.is_on_by_default()))
    }
}

impl NotificationPreferences {
    pub const NONE: NotificationPreferences = NotificationPreferences(0);

    pub fn includes(self, kind: NotificationKind) -> bool {
        self.0 >> kind as u32 & 1 == 1
    }

    /// Returns the set with or without a kind.
    #[must_use]
    pub fn with(self, kind: NotificationKind, included: bool) -> NotificationPreferences {
        NotificationPreferences(self.0 & !(1 << kind as u32) | u64::from(included) << kind as u32)
    }

    /// Returns the kinds that are not as they are by default.
    pub fn changed_kinds(self) -> impl Iterator<Item = NotificationKind> {
        let all = NotificationKind::ALL.iter().copied();
        all.filter(move |kind| self.includes(*kind) != kind.is_on_by_default())
    }
}
