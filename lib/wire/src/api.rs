//! The JSON that clients send to the ingress, and its answers to commands. Amounts are whole minor
//! units, durations whole seconds, times RFC 3339. Members that nobody knows are refused by name.

use crate::draw_option::DrawOption;
use crate::time::JsonTime;
use auction_domain::user::NotificationPreferences;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /users`. Empty: names and addresses are personal data and never enter a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserRequest {}

/// `POST /auctions`. Who calls is the seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAuctionRequest {
    /// One line, 1 to 200 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub title: String,
    /// Up to 10,000 characters; of control characters only line breaks and tabs.
    #[schema(max_length = 10_000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    #[serde(default)]
    pub description: String,
    /// Three capital letters, such as `EUR`.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// The least a first bid must be, in minor units.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    pub opening_bid: u64,
    /// Below this it is not sold, in minor units; not shown to bidders.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u64>,
    /// At once if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<JsonTime>,
    /// When bidding ends.
    pub ends_at: JsonTime,
    /// Whether late changes of the lead extend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_close: Option<SoftCloseRequest>,
    /// Within so many seconds before the end no bid can be deleted.
    #[schema(maximum = 86_400)]
    #[serde(default)]
    pub retraction_lock_seconds: u32,
    /// Whether bids are drawn by lot and count twice; they are unless said otherwise.
    #[serde(default = "yes")]
    pub promoted: bool,
}

fn yes() -> bool {
    true
}

/// `PUT /promoter/settings`, by an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoterSettingsRequest {
    /// The options, in order, such as `{"every_ms": 600000}` and `"never_the_leader"`. What is not said is as
    /// it is by default.
    #[schema(value_type = Vec<DrawOption>)]
    pub options: Vec<serde_json::Value>,
}

/// `GET /promoter/settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromoterSettingsView {
    /// How often they were set by an operator.
    pub version: u64,
    /// When they were set; absent for those of the settings file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<JsonTime>,
    /// The options, in order.
    #[schema(value_type = Vec<DrawOption>)]
    pub options: Vec<serde_json::Value>,
    /// All that operators set, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub history: Vec<PromoterSettingsView>,
}

/// A soft close: a change of leader within so long before the end extends the auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftCloseRequest {
    /// The end moves by so many seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub extend_by_seconds: u32,
    /// If the lead changes within so many seconds before the end.
    #[schema(minimum = 1, maximum = 86_400)]
    pub within_seconds: u32,
    /// At most so many times.
    #[schema(minimum = 1, maximum = 1_000)]
    pub at_most: u32,
}

/// `PUT /auction/{id}/bid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBidRequest {
    /// In minor units of the auction's currency.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    pub amount: u64,
}

/// `POST /auction/{id}/bid/{bid}/void`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidBidRequest {
    /// One line, 1 to 500 characters, not blank; kept on record.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub reason: String,
}

/// The answer 202 to a command, and 200 of `GET /command/{handle}` while it is pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandPending {
    /// The handle to ask with; the same as in `Location`.
    pub command: String,
    /// Always `pending`.
    pub status: String,
    /// When the ingress gave the handle out.
    pub received_at: JsonTime,
    /// The new user, for `POST /users`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// The auction it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auction: Option<Uuid>,
    /// The bid it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Uuid>,
}

/// The answer to a command that could not be handled: it lies with the dead letters, had no effect, and
/// may be sent again by the house. Not final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandFailed {
    /// The handle of the command.
    pub command: String,
    /// Always `failed`.
    pub status: String,
    /// The kind of trouble, such as `panicked`.
    pub reason: String,
    /// One sentence for people.
    pub detail: String,
}

/// Money in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// Minor units.
    pub amount: u64,
    /// Three capital letters.
    pub currency: String,
}

/// What came of an accepted command: with `Prefer: wait`, or `return=representation` at its monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandDone {
    /// The handle of the command.
    pub command: String,
    /// Always `done`.
    pub status: String,
    /// Such as `place_bid`.
    pub kind: String,
    /// The user, for a command about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// The auction, for a command about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auction: Option<Uuid>,
    /// The new bid, for `place_bid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Uuid>,
    /// Version of the user or auction after it.
    pub version: u64,
    /// The amount that was bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The new bid's place in the standing, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// Whether the new bid leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads: Option<bool>,
    /// What the leading bid counts for after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest: Option<Money>,
}

/// `PUT /subscriptions`, and `GET`: what the caller wants to be told. The whole choice: what is left out is
/// as it is for a new user, on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionsRequest {
    /// That he won an auction.
    #[serde(default = "on")]
    pub auction_won: bool,
    /// That the highest bid changed where he has a bid that counts.
    #[serde(default = "on")]
    pub highest_bid: bool,
    /// That a bid of his counts twice.
    #[serde(default = "on")]
    pub bid_doubled: bool,
}

fn on() -> bool {
    true
}

impl From<NotificationPreferences> for SubscriptionsRequest {
    fn from(of: NotificationPreferences) -> SubscriptionsRequest {
        SubscriptionsRequest {
            auction_won: of.auction_won,
            highest_bid: of.highest_bid,
            bid_doubled: of.bid_doubled,
        }
    }
}

impl From<SubscriptionsRequest> for NotificationPreferences {
    fn from(request: SubscriptionsRequest) -> NotificationPreferences {
        NotificationPreferences {
            auction_won: request.auction_won,
            highest_bid: request.highest_bid,
            bid_doubled: request.bid_doubled,
        }
    }
}
