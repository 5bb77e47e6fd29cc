//! Notifications as JSON: their content, and the requests and answers of the inbox.

use crate::api::Money;
use crate::money;
use crate::time::JsonTime;
use auction_domain::user::NotificationKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Name of a kind of notification, in JSON and in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KindName(pub NotificationKind);

impl TryFrom<String> for KindName {
    type Error = String;

    fn try_from(name: String) -> Result<KindName, String> {
        let expected = || {
            format!("unknown notification kind {name:?}, expected {}", NotificationKind::NAMES.join(" or "))
        };
        NotificationKind::named(&name).map(KindName).ok_or_else(expected)
    }
}

impl From<KindName> for String {
    fn from(KindName(kind): KindName) -> String {
        kind.name().to_owned()
    }
}

/// Content of a notification about an auction.
///
/// Stored as JSON with the notification; JSON that earlier versions stored must stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationContent {
    /// Time of the event that caused the notification.
    pub at: JsonTime,
    pub auction: Uuid,
    /// Title of the auction.
    pub title: String,
    /// Version of the auction after the event.
    pub version: u64,
    #[serde(flatten)]
    pub body: NotificationBody,
}

/// Kind of a notification, with its values. The JSON member `kind` is [`NotificationKind::name`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotificationBody {
    /// The user won the auction.
    AuctionWon {
        /// Id of the winning bid.
        bid: Uuid,
        /// Amount the user owes: the amount they bid, not the doubled amount.
        #[serde(alias = "pays")] // in notifications stored by earlier versions
        price: Money,
        /// Amount the bid counted for; more than `price` if it was doubled.
        counts_for: Money,
    },
    /// The leading bid changed in an auction in which the user has an active bid.
    HighestBid {
        standing: BidderStatus,
        /// Amount the leading bid counts for now.
        highest: Money,
        /// Time at which bidding ends.
        ends_at: JsonTime,
    },
    /// A bid of the user was drawn and doubled.
    BidDoubled {
        /// Id of the doubled bid.
        bid: Uuid,
        /// Amount of the bid, which the user owes if it wins.
        amount: Money,
        /// Amount the bid counts for now.
        counts_for: Money,
    },
    /// The auction was cancelled while the user had the leading bid.
    AuctionCancelled {
        /// Id of the leading bid. It does not win, and the user owes nothing.
        bid: Uuid,
        /// Amount of the bid.
        amount: Money,
        /// Amount the bid counted for.
        counts_for: Money,
    },
}

impl NotificationBody {
    pub fn kind(&self) -> NotificationKind {
        match self {
            NotificationBody::AuctionWon { .. } => NotificationKind::AuctionWon,
            NotificationBody::HighestBid { .. } => NotificationKind::HighestBid,
            NotificationBody::BidDoubled { .. } => NotificationKind::BidDoubled,
            NotificationBody::AuctionCancelled { .. } => NotificationKind::AuctionCancelled,
        }
    }

    /// Returns a short text, addressed to the recipient.
    pub fn summary(&self) -> String {
        match self {
            NotificationBody::AuctionWon { price, .. } => format!("you won, and owe {}", money::show(price)),
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
            NotificationBody::AuctionCancelled { counts_for, .. } => {
                format!("the auction was cancelled while you led with {}", money::show(counts_for))
            }
        }
    }
}

/// Status of a user with an active bid after the leading bid changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BidderStatus {
    /// The user leads without having just placed that bid: a higher bid was removed, or theirs was doubled.
    Leading,
    /// The user led when they were last notified, and no longer does.
    Outbid,
    /// The user did not lead before and does not lead now.
    Behind,
}

/// Answer to `GET /notifications`, the oldest notification first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationList {
    /// Notifications of this page.
    pub notifications: Vec<Notification>,
    /// Number of unread notifications in the whole inbox.
    pub unread: u64,
    /// Cursor after this page. Send it as `after=` to get later notifications, now or at any later time.
    pub cursor: String,
    /// Path of the next page; absent while it would be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A notification in the user's inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Position in the inbox. Send it as `read_through` to mark this notification and all earlier ones as
    /// read.
    pub cursor: String,
    pub read: bool,
    /// Id of the notification: the same in every channel and in every repeat.
    pub id: Uuid,
    #[serde(flatten)]
    pub content: NotificationContent,
}

/// Body of `PUT /notifications/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkReadRequest {
    /// Cursor of the last notification to mark as read; all earlier ones are marked as well.
    #[schema(pattern = "^n[0-9a-f]{1,13}$")]
    pub read_through: String,
}

/// Answer to `PUT /notifications/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkedRead {
    /// Cursor of the last notification that is marked as read. Never moves back.
    pub read_through: String,
    /// Number of unread notifications.
    pub unread: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use serde_json::json;

    #[test]
    fn bodies_have_the_names_of_their_kinds() {
        let money = || Money { amount: 5, currency: "USD".to_owned() };
        let bodies = [
            NotificationBody::AuctionWon { bid: Uuid::nil(), price: money(), counts_for: money() },
            NotificationBody::HighestBid {
                standing: BidderStatus::Outbid,
                highest: money(),
                ends_at: Timestamp(0).into(),
            },
            NotificationBody::BidDoubled { bid: Uuid::nil(), amount: money(), counts_for: money() },
            NotificationBody::AuctionCancelled { bid: Uuid::nil(), amount: money(), counts_for: money() },
        ];
        assert_eq!(bodies.each_ref().map(NotificationBody::kind), NotificationKind::ALL);
        for body in bodies {
            assert_eq!(serde_json::to_value(&body).unwrap()["kind"], body.kind().name());
        }
    }

    #[test]
    fn content_with_the_former_member_pays_is_readable() {
        let stored = json!({
            "at": "2026-11-22T18:30:00.123Z", "auction": Uuid::nil(), "title": "A pot", "version": 3,
            "kind": "auction_won", "bid": Uuid::nil(), "pays": {"amount": 5, "currency": "USD"},
            "counts_for": {"amount": 10, "currency": "USD"},
        });
        let content: NotificationContent = serde_json::from_value(stored).unwrap();
        assert_eq!(content.body.summary(), "you won, and owe 0.05 USD");
        let written = serde_json::to_value(&content).unwrap();
        assert_eq!((&written["price"]["amount"], written.get("pays")), (&json!(5), None));
    }
}
