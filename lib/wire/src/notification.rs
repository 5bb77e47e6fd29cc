//! Notifications as JSON: what a user is told, and how he reads it.

use crate::api::Money;
use crate::money;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a user is told of an auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationContent {
    /// When it happened.
    pub at: JsonTime,
    /// In which auction.
    pub auction: Uuid,
    /// What that is.
    pub title: String,
    /// The version of the auction that this speaks of.
    pub version: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: NotificationBody,
}

/// The kinds of news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotificationBody {
    /// He won.
    AuctionWon {
        /// With that bid.
        bid: Uuid,
        /// What he owes: what he bid.
        pays: Money,
        /// What the bid counted for; more than `pays` if it was doubled.
        counts_for: Money,
    },
    /// The lead changed, and he has a bid that counts.
    HighestBid {
        /// What that means for him.
        standing: BidderStatus,
        /// What the best bid counts for now.
        highest: Money,
        /// When bidding ends.
        ends_at: JsonTime,
    },
    /// A bid of his counts twice.
    BidDoubled {
        /// Which.
        bid: Uuid,
        /// What he bid, and what he would owe.
        amount: Money,
        /// What it counts for now.
        counts_for: Money,
    },
}

impl NotificationBody {
    /// In a few words, to the user himself.
    pub fn say(&self) -> String {
        match self {
            NotificationBody::AuctionWon { pays, .. } => format!("you won, and owe {}", money::show(pays)),
            NotificationBody::HighestBid { standing, highest, .. } => {
                let highest = money::show(highest);
                match standing {
                    BidderStatus::Leading => format!("you lead with {highest}"),
                    BidderStatus::Outbid => format!("you were outbid, the highest is {highest}"),
                    BidderStatus::Behind => format!("the highest is {highest} now"),
                }
            }
            NotificationBody::BidDoubled { amount, counts_for, .. } => {
                format!("your bid of {} counts for {}", money::show(amount), money::show(counts_for))
            }
        }
    }
}

/// What a changed lead means for somebody who has a bid that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BidderStatus {
    /// He leads, without having done anything for it just now.
    Leading,
    /// He led since he was last told, and does not any more.
    Outbid,
    /// Others lead, as before; the best bid changed.
    Behind,
}

/// `GET /notifications`: the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationList {
    /// One page of them.
    pub notifications: Vec<Notification>,
    /// How many there are in all that are not read.
    pub unread: u64,
    /// The place behind this page: ask with `after=` to be told what comes next, now or later.
    pub cursor: String,
    /// Where the next page is; absent while there is nothing on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Its place: everything up to here can be marked as read.
    pub cursor: String,
    /// Whether it is.
    pub read: bool,
    /// Its id: the same however often it is sent, and on whichever way.
    pub id: Uuid,
    /// What it says.
    #[serde(flatten)]
    pub news: NotificationContent,
}

/// `PUT /notifications/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkReadRequest {
    /// The place up to which everything is read.
    #[schema(pattern = "^n[0-9a-f]{1,13}$")]
    pub up_to: String,
}

/// Its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkedRead {
    /// The place up to which everything is read: never before what it was.
    pub up_to: String,
    /// How many are not.
    pub unread: u64,
}
