//! The JSON of commands: requests of clients and the answers to them. Amounts are whole minor units,
//! durations whole seconds, times RFC 3339. A request with an unknown member is refused; the error names the
//! member.

use crate::notification::KindName;
use crate::time::JsonTime;
use auction_domain::RefusalClass;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{AdditionalProperties, Type};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// Body of `POST /users`. Empty: names and addresses are personal data and never enter a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserRequest {}

/// Body of `POST /auctions`. The caller is the seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAuctionRequest {
    /// Title: one line, 1 to 200 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub title: String,
    /// Description: at most 10,000 characters. Line breaks and tabs are the only control characters allowed.
    #[schema(max_length = 10_000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    #[serde(default)]
    pub description: String,
    /// Currency code: three capital letters, such as `EUR`.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Minimum amount of the first bid, in minor units.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    pub opening_bid: u64,
    /// Reserve price in minor units: below it, the auction is not sold. Not shown to bidders.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u64>,
    /// Start of bidding; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<JsonTime>,
    /// End of bidding, without extensions.
    pub ends_at: JsonTime,
    /// Extensions after late changes of the leader; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_close: Option<SoftCloseRequest>,
    /// Bids cannot be deleted during this number of seconds before the end.
    #[schema(maximum = 86_400)]
    #[serde(default)]
    pub retraction_lock_seconds: u32,
    /// Whether bids are drawn by lot and doubled; `true` by default.
    #[serde(default = "enabled")]
    pub promoted: bool,
}

fn enabled() -> bool {
    true
}

/// Body of `PUT /promoter/settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoterSettingsRequest {
    #[schema(schema_with = draw_options)]
    pub options: Vec<serde_json::Value>,
}

/// Returns the schema of a list of draw options. The ingress defines the schema `DrawOption`.
fn draw_options() -> Schema {
    ArrayBuilder::new()
        .items(Ref::from_schema_name("DrawOption"))
        .description(Some(
            "Draw options, applied in order, such as `{\"interval_ms\": 600000}` and `\"exclude_leader\"`. An option \
             that is left out has its default.",
        ))
        .build()
        .into()
}

/// Answer to `GET /promoter/settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromoterSettingsView {
    /// Number of times that an operator changed the options.
    pub version: u64,
    /// Time of the change; absent for the options of the settings file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<JsonTime>,
    #[schema(schema_with = draw_options)]
    pub options: Vec<serde_json::Value>,
    /// All options that operators set, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub history: Vec<PromoterSettingsView>,
}

/// Soft close: a change of the leader shortly before the end extends the auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftCloseRequest {
    /// Length of an extension in seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub extend_by_seconds: u32,
    /// A change of the leader extends the auction if it happens during this number of seconds before the end.
    #[schema(minimum = 1, maximum = 86_400)]
    pub within_seconds: u32,
    /// Maximum number of extensions.
    #[schema(minimum = 1, maximum = 1_000)]
    pub at_most: u32,
}

/// Body of `PUT /auction/{id}/bid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBidRequest {
    /// Amount in minor units of the auction's currency.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    pub amount: u64,
}

/// Body of `POST /auction/{id}/bid/{bid}/void`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidBidRequest {
    /// Reason, which is stored with the bid: one line, 1 to 500 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub reason: String,
}

/// Answer 202 to a command, and answer 200 to `GET /command/{handle}` while the command is pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandPending {
    /// Handle of the command, as in `Location`.
    pub command: String,
    pub status: String,
    /// Time at which the ingress received the command.
    pub received_at: JsonTime,
    /// Id of the user the command is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// Id of the auction the command is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auction: Option<Uuid>,
    /// Id of the bid the command is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Uuid>,
}

/// Answer for a command that could not be processed. It had no effect and was dead-lettered. Not final: an
/// operator can requeue it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandFailed {
    /// Handle of the command.
    pub command: String,
    pub status: String,
    /// Reason of the failure, such as `panicked`.
    pub reason: String,
    /// One sentence that explains the failure.
    pub detail: String,
}

/// Amount with its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// Amount in minor units.
    pub amount: u64,
    /// Currency code: three capital letters.
    pub currency: String,
}

/// Answer for an accepted command, to a request with `Prefer: wait` or to `GET /command/{handle}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandDone {
    /// Handle of the command.
    pub command: String,
    pub status: String,
    /// Kind of the command, such as `place_bid`.
    pub kind: String,
    /// Id of the user, for a command about a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// Id of the auction, for a command about an auction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auction: Option<Uuid>,
    /// Id of the new bid, for `place_bid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Uuid>,
    /// Version of the user or auction after the command.
    pub version: u64,
    /// Amount of the new bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Rank of the new bid, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// Whether the new bid leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads: Option<bool>,
    /// Amount the leading bid counts for after the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest: Option<Money>,
}

/// Body of `PUT /subscriptions` and answer to `GET /subscriptions`: the caller's notification preferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<KindName, bool>", into = "BTreeMap<KindName, bool>")]
pub struct SubscriptionsRequest(pub NotificationPreferences);

impl From<BTreeMap<KindName, bool>> for SubscriptionsRequest {
    fn from(kinds: BTreeMap<KindName, bool>) -> SubscriptionsRequest {
        let with =
            |set: NotificationPreferences, (name, included): (KindName, bool)| set.with(name.0, included);
        SubscriptionsRequest(kinds.into_iter().fold(NotificationPreferences::default(), with))
    }
}

impl From<SubscriptionsRequest> for BTreeMap<KindName, bool> {
    fn from(SubscriptionsRequest(set): SubscriptionsRequest) -> BTreeMap<KindName, bool> {
        NotificationKind::ALL.iter().map(|kind| (KindName(*kind), set.includes(*kind))).collect()
    }
}

impl PartialSchema for SubscriptionsRequest {
    fn schema() -> RefOr<Schema> {
        let with = |object: ObjectBuilder, kind: &NotificationKind| {
            let switch = ObjectBuilder::new().schema_type(Type::Boolean);
            let switch = switch.default(Some(kind.is_on_by_default().into()));
            object.property(kind.name(), switch.description(Some(kind.description())))
        };
        let object = NotificationKind::ALL.iter().fold(ObjectBuilder::new(), with);
        let description = "Kinds of notifications, and whether the caller receives them. `PUT` replaces all \
                           preferences; a kind that is left out is as for a new user.";
        let closed = AdditionalProperties::FreeForm(false);
        object.description(Some(description)).additional_properties(Some(closed)).into()
    }
}

impl ToSchema for SubscriptionsRequest {
    fn name() -> Cow<'static, str> {
        "SubscriptionsRequest".into()
    }
}

/// Returns the HTTP status of a refused command.
pub const fn refusal_status(class: RefusalClass) -> u16 {
    match class {
        RefusalClass::Unknown => 404,
        RefusalClass::Forbidden => 403,
        RefusalClass::Conflict => 409,
        RefusalClass::Invalid => 422,
        RefusalClass::VersionConflict => 412,
    }
}
