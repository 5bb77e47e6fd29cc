//! Webhooks and their deliveries as JSON.

use crate::notification::NotificationContent;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Body of `POST /user/{id}/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhookRequest {
    /// URL that receives the notifications: `https`, without credentials, at a public address.
    #[schema(format = "uri", max_length = 2048)]
    pub url: String,
}

/// Webhook of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Id of the webhook.
    pub webhook: Uuid,
    pub url: String,
    pub created_at: JsonTime,
    /// Until this time, each request is also signed with the previous secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<JsonTime>,
    /// Since this time nothing is sent, because the endpoint answered 410 Gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<JsonTime>,
}

/// Webhook with its secret. The secret is shown only in this answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookWithSecret {
    /// Signing secret in the format of Standard Webhooks.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/=]+$")]
    pub secret: String,
    #[serde(flatten)]
    pub webhook: WebhookView,
}

/// Answer to `GET /user/{id}/webhooks`, the oldest webhook first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    pub webhooks: Vec<WebhookView>,
}

/// Answer to `GET /user/{id}/webhooks/{webhook}/deliveries`, the newest delivery first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// Deliveries of this page.
    pub deliveries: Vec<DeliveryView>,
    /// Path of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Delivery of a notification to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Id of the notification, and `webhook-id` of every attempt.
    pub delivery: Uuid,
    pub state: DeliveryState,
    /// Number of attempts since the delivery was created or last replayed.
    pub attempts: u32,
    /// Time at which the delivery was created.
    pub created_at: JsonTime,
    /// Time of the next attempt; present while the delivery is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<JsonTime>,
    /// Time at which the delivery succeeded or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<JsonTime>,
    /// HTTP status of the answer to the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Error of the last attempt: `status` (not 2xx), `timed_out`, `not_connected`, `not_sent`,
    /// `address_not_allowed`, `gone`, `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Content of the notification.
    pub content: NotificationContent,
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// At least one more attempt will be made.
    Pending,
    /// The endpoint answered 2xx.
    Delivered,
    /// No further attempt will be made.
    Failed,
}
