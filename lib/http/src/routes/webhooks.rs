//! What the routes of webhooks have in common.

use super::user_in;
use crate::problem::Problem;
use crate::problem::types::requests;
use auction_app::ports::notifications::webhooks::{Webhook, WebhookDelivery};
use auction_domain::{Actor, UserId};
use auction_wire::webhook::{DeliveryState, DeliveryView, WebhookView};
use axum::http::HeaderValue;
use uuid::Uuid;

/// The user and the webhook in a path.
pub(super) fn webhook_in((user, webhook): (&str, &str), actor: Actor) -> Result<(UserId, Uuid), Problem> {
    let user = user_in(user, actor)?;
    Ok((user, Uuid::try_parse(webhook).map_err(|_| unknown_webhook())?))
}

pub(super) fn unknown_webhook() -> Problem {
    Problem::of(&requests::UNKNOWN_WEBHOOK)
}

/// A webhook as its user sees it.
pub(super) fn shown(webhook: Webhook) -> WebhookView {
    WebhookView {
        webhook: webhook.id,
        url: webhook.url,
        created_at: webhook.created_at.into(),
        previous_secret_until: webhook.previous_until.map(Into::into),
        disabled_at: webhook.disabled_at.map(Into::into),
    }
}

/// A delivery as its user sees it; none if its news were written by a program that knows more.
pub(super) fn delivery(delivery: WebhookDelivery) -> Option<DeliveryView> {
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
        next_at: (delivery.state == OutboxState::Pending).then(|| delivery.next_at.into()),
        finished_at: delivery.finished_at.map(Into::into),
        status: delivery.status,
        error: delivery.error,
        news: serde_json::from_slice(&delivery.news).ok()?,
    })
}

/// Paths of ids are always valid in a header.
pub(super) fn to_header(path: &str) -> HeaderValue {
    HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"))
}
