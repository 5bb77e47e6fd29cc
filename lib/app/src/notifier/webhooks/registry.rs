//! Manages the webhooks of users.

use super::{UrlPolicy, WebhookSecret, WebhookSecrets};
use crate::ports::Unavailable;
use crate::ports::notifications::webhooks::{CreateResult, Webhook, WebhookStore};
use auction_domain::UserId;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Limits for the webhooks of a user.
#[derive(Clone, Copy, Debug)]
pub struct WebhookConfig {
    /// Maximum number of webhooks per user.
    pub max_per_user: u16,
    /// Time after a rotation in which the previous secret signs as well.
    pub overlap: Duration,
    /// Which URLs are allowed.
    pub url_policy: UrlPolicy,
}

/// Webhooks of all users, with their secrets.
pub struct WebhookRegistry {
    pub webhooks: Arc<dyn WebhookStore>,
    pub secrets: WebhookSecrets,
    pub limits: WebhookConfig,
}

impl WebhookRegistry {
    /// Creates a webhook. The caller must have checked the URL against the policy.
    pub async fn create(&self, user: UserId, url: &str) -> Result<CreateResult, Unavailable> {
        self.webhooks.create(user, Uuid::now_v7(), url, self.limits.max_per_user).await
    }

    /// Replaces the secret of a webhook; `None` if there is no such webhook.
    pub async fn rotate(&self, user: UserId, webhook: Uuid) -> Result<Option<Webhook>, Unavailable> {
        self.webhooks.rotate(user, webhook, self.limits.overlap).await
    }

    /// Returns the current secret of a webhook.
    pub fn secret(&self, webhook: &Webhook) -> WebhookSecret {
        self.secrets.of(webhook.id, webhook.secret)
    }
}
