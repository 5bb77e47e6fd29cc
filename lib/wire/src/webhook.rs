//! Webhooks as JSON: how a user sets where he wants to be told, and what was sent there.

use crate::notification::NotificationContent;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /user/{id}/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhookRequest {
    /// Where to tell him: `https`, without credentials, at a public address.
    #[schema(format = "uri", max_length = 2048)]
    pub url: String,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Its id.
    pub webhook: Uuid,
    /// Where.
    pub url: String,
    /// Since when.
    pub created_at: JsonTime,
    /// Until then the secret that it had before signs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<JsonTime>,
    /// Since when nothing is sent there, because it answered 410.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<JsonTime>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookWithSecret {
    /// What signs from now on, in the form of Standard Webhooks.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/=]+$")]
    pub secret: String,
    /// The webhook.
    #[serde(flatten)]
    pub webhook: WebhookView,
}

/// `GET /user/{id}/webhooks`: the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    /// All of them.
    pub webhooks: Vec<WebhookView>,
}

/// `GET /user/{id}/webhooks/{webhook}/deliveries`: the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// One page of them.
    pub deliveries: Vec<DeliveryView>,
    /// Where the next page is; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What was or will be sent to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// The id of the notification, and `webhook-id` of every attempt.
    pub delivery: Uuid,
    /// How far it is.
    pub state: DeliveryState,
    /// So many attempts were made, since it was sent or sent again.
    pub attempts: u32,
    /// Since when it is on its way.
    pub created_at: JsonTime,
    /// When it is tried next, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<JsonTime>,
    /// When it was delivered, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<JsonTime>,
    /// The status that the last attempt was answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was wrong with the last attempt: `status` (not 2xx), `timed_out`, `not_connected`, `not_sent`,
    /// `address_not_allowed`, `gone`, `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it says.
    pub news: NotificationContent,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be tried, once more perhaps.
    Pending,
    /// It was answered with 2xx.
    Delivered,
    /// It was given up.
    Failed,
}
