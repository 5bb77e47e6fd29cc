//! Shared parts of the webhook routes.

use super::user_in;
use crate::problem::Problem;
use crate::problem::types::requests;
use auction_app::ports::notifications::webhooks::{Webhook, WebhookDelivery};
use auction_domain::{Actor, UserId};
use auction_wire::webhook::{DeliveryState, DeliveryView, WebhookView};
use axum::http::HeaderValue;
use uuid::Uuid;

/// Reads the ids of a user and a webhook from a path.
pub(super) fn webhook_in((user, webhook): (&str, &str), actor: Actor) -> Result<(UserId, Uuid), Problem> {
    let user = user_in(user, actor)?;
    Ok((user, Uuid::try_parse(webhook).map_err(|_| unknown_webhook())?))
}

pub(super) fn unknown_webhook() -> Problem {
    Problem::of(&requests::UNKNOWN_WEBHOOK)
}

/// Returns the JSON view of a webhook, without its secret.
pub(super) fn webhook_view(webhook: Webhook) -> WebhookView {
    WebhookView {
        webhook: webhook.id,
        url: webhook.url,
        created_at: webhook.created_at.into(),
        previous_secret_until: webhook.previous_until.map(Into::into),
        disabled_at: webhook.disabled_at.map(Into::into),
    }
}

/// Returns the JSON view of a delivery. None if a newer release wrote its content in a form unknown to this
/// one.
pub(super) fn delivery_view(delivery: WebhookDelivery) -> Option<DeliveryView> {
    use auction_app::ports::notifications::outbox::OutboxState;
    let state = match delivery.state {
        OutboxState::Pending => DeliveryState::Pending,
        OutboxState::Delivered => DeliveryState::Delivered,
        OutboxState::Failed => DeliveryState::Failed,
    };
    Some(DeliveryView {
        delivery: delivery.id,
        state,
        attempts: delivery.attempts,
        created_at: delivery.created_at.into(),
        next_at: (delivery.state == OutboxState::Pending).then(|| delivery.due_at.into()),
        finished_at: delivery.finished_at.map(Into::into),
        status: delivery.status,
        error: delivery.error,
        content: serde_json::from_slice(&delivery.content).ok()?,
    })
}

/// Converts a path of ids to a header value, which cannot fail.
pub(super) fn to_header(path: &str) -> HeaderValue {
    HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"))
}
