//! The JSON of answers to commands. Amounts are whole minor units, times RFC 3339.

use crate::command::change_promoter_settings::draw_options;
use crate::time::JsonTime;
use auction_domain::RefusalClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
