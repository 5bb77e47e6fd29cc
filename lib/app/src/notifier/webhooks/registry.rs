//! Where users want to be told.

use super::{Reach, Secret, Secrets};
use crate::ports::Unavailable;
use crate::ports::notifications::webhooks::{Created, Webhook, Webhooks};
use auction_domain::UserId;
use std::time::Duration;
use uuid::Uuid;

/// What users may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many each.
    pub each: u16,
    /// After a new secret the one before signs as well for so long.
    pub overlap: Duration,
    /// Where they may lead.
    pub reach: Reach,
}

/// The webhooks of all users, with their secrets.
pub struct WebhookDesk<W> {
    /// What is stored.
    pub webhooks: W,
    secrets: Secrets,
    /// What is allowed.
    pub limits: Limits,
}

impl<W: Webhooks> WebhookDesk<W> {
    /// Over what is stored.
    pub fn new(webhooks: W, secrets: Secrets, limits: Limits) -> WebhookDesk<W> {
        WebhookDesk { webhooks, secrets, limits }
    }

    /// One more.
    pub async fn create(&self, user: UserId, url: &str) -> Result<Created, Unavailable> {
        self.webhooks.create(user, Uuid::now_v7(), url, self.limits.each).await
    }

    /// A new secret.
    pub async fn rotate(&self, user: UserId, webhook: Uuid) -> Result<Option<Webhook>, Unavailable> {
        self.webhooks.rotate(user, webhook, self.limits.overlap).await
    }

    /// The secret that it has.
    pub fn secret(&self, webhook: &Webhook) -> Secret {
        self.secrets.of(webhook.id, webhook.secret)
    }
}
