//! Where users want to be told.

use super::{UrlPolicy, WebhookSecret, WebhookSecrets};
use crate::ports::Unavailable;
use crate::ports::notifications::webhooks::{CreateResult, Webhook, WebhookStore};
use auction_domain::UserId;
use std::time::Duration;
use uuid::Uuid;

/// What users may have.
#[derive(Clone, Copy, Debug)]
pub struct WebhookConfig {
    /// So many each.
    pub each: u16,
    /// After a new secret the one before signs as well for so long.
    pub overlap: Duration,
    /// Where they may lead.
    pub reach: UrlPolicy,
}

/// The webhooks of all users, with their secrets.
pub struct WebhookRegistry<W> {
    /// What is stored.
    pub webhooks: W,
    secrets: WebhookSecrets,
    /// What is allowed.
    pub limits: WebhookConfig,
}

impl<W: WebhookStore> WebhookRegistry<W> {
    /// Over what is stored.
    pub fn new(webhooks: W, secrets: WebhookSecrets, limits: WebhookConfig) -> WebhookRegistry<W> {
        WebhookRegistry { webhooks, secrets, limits }
    }

    /// One more.
    pub async fn create(&self, user: UserId, url: &str) -> Result<CreateResult, Unavailable> {
        self.webhooks.create(user, Uuid::now_v7(), url, self.limits.each).await
    }

    /// A new secret.
    pub async fn rotate(&self, user: UserId, webhook: Uuid) -> Result<Option<Webhook>, Unavailable> {
        self.webhooks.rotate(user, webhook, self.limits.overlap).await
    }

    /// The secret that it has.
    pub fn secret(&self, webhook: &Webhook) -> WebhookSecret {
        self.secrets.of(webhook.id, webhook.secret)
    }
}
