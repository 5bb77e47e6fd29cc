//! Outbox and webhooks. There are no e-mail addresses.

use crate::fixtures::P;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::notification_store::Notification;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, DeliveryId, Destination, Outbox,
    OutboxMessage, OutboxState,
};
use auction_app::ports::notifications::webhooks::{
    CreateResult, ReplayResult, Webhook, WebhookDelivery, WebhookStore,
};
use auction_domain::{Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Webhooks and their deliveries. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryOutbox {
    state: Arc<Mutex<State>>,
    began: Instant,
}

#[derive(Debug, Default)]
struct State {
    webhooks: BTreeMap<Uuid, (UserId, Webhook)>,
    deliveries: BTreeMap<u64, (Uuid, WebhookDelivery)>,
    deleted: BTreeSet<UserId>,
    last: u64,
}

impl Default for MemoryOutbox {
    fn default() -> MemoryOutbox {
        MemoryOutbox { state: Arc::default(), began: Instant::now() }
    }
}

impl MemoryOutbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp(1 + i64::try_from(self.began.elapsed().as_millis()).unwrap())
    }

    /// Adds a delivery of the notification for each enabled webhook of its user.
    pub(super) fn queue(&self, notification: &Notification) {
        let (mut state, now) = (self.state(), self.now());
        let is_enabled = |(user, webhook): &&(UserId, Webhook)| {
            *user == notification.user && webhook.disabled_at.is_none()
        };
        let enabled: Vec<Uuid> =
            state.webhooks.values().filter(is_enabled).map(|(_, webhook)| webhook.id).collect();
        for webhook in enabled {
            state.last += 1;
            let delivery = WebhookDelivery {
                seq: state.last,
                id: notification.id,
                content: notification.content.to_vec(),
                state: OutboxState::Pending,
                attempts: 0,
                created_at: now,
                due_at: now,
                finished_at: None,
                status: None,
                error: None,
            };
            state.deliveries.insert(delivery.seq, (webhook, delivery));
        }
    }

    /// Records the deletion of a user's account.
    pub fn delete_user(&self, user: UserId) {
        self.state().deleted.insert(user);
    }

    /// Removes everything of a deleted user, when the notifier processes the deletion.
    pub(super) fn erase(&self, user: UserId) {
        let mut state = self.state();
        state.webhooks.retain(|_, (of, _)| *of != user);
        let State { webhooks, deliveries, .. } = &mut *state;
        deliveries.retain(|_, (webhook, _)| webhooks.contains_key(webhook));
    }
}

impl State {
    fn webhook_of(&mut self, user: UserId, webhook: Uuid) -> Option<&mut Webhook> {
        self.webhooks.get_mut(&webhook).filter(|(of, _)| *of == user).map(|(_, webhook)| webhook)
    }

    fn destination(&self, webhook: Uuid, now: Timestamp) -> Destination {
        let Some((_, webhook)) = self.webhooks.get(&webhook) else {
            return Destination::Unreachable("deleted");
        };
        if webhook.disabled_at.is_some() {
            return Destination::Unreachable("disabled");
        }
        let previous = webhook.previous_until.is_some_and(|until| until > now);
        Destination::Webhook { url: webhook.url.clone(), secret: webhook.secret, previous }
    }
}

fn add(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp(now.0 + i64::try_from(wait.as_millis()).unwrap())
}

impl Outbox for MemoryOutbox {
    async fn claim(&self, claim: &ClaimRequest) -> Result<Vec<OutboxMessage>, Unavailable> {
        let (mut state, now) = (self.state(), self.now());
        let due = |(webhook, delivery): &&(Uuid, WebhookDelivery)| {
            claim.channel == DeliveryChannel::Webhook
                && delivery.state == OutboxState::Pending
                && delivery.due_at <= now
                && !claim.busy.contains(webhook)
        };
        let mut due: Vec<_> = state.deliveries.values().filter(due).cloned().collect();
        due.sort_by_key(|(_, delivery)| (delivery.due_at, delivery.seq));
        let (mut per_endpoint, mut messages) = (BTreeMap::<Uuid, usize>::new(), Vec::new());
        for (endpoint, delivery) in due {
            let taken = per_endpoint.entry(endpoint).or_default();
            if *taken == claim.per_endpoint || messages.len() == claim.limit {
                continue;
            }
            *taken += 1;
            let until = add(now, claim.lease);
            state.deliveries.get_mut(&delivery.seq).unwrap().1.due_at = until;
            let WebhookDelivery { seq, id, content, attempts, .. } = delivery;
            let destination = state.destination(endpoint, now);
            messages.push(OutboxMessage {
                delivery: DeliveryId { partition: P, seq },
                claim: until.0,
                endpoint,
                id,
                attempts,
                content,
                destination,
            });
        }
        Ok(messages)
    }

    async fn record(&self, attempts: &[AttemptRecord]) -> Result<(), Unavailable> {
        let (mut state, now) = (self.state(), self.now());
        for AttemptRecord { delivery, claim, result, status, error } in attempts {
            let Some((webhook, delivery)) = state.deliveries.get_mut(&delivery.seq) else { continue };
            if delivery.state != OutboxState::Pending || delivery.due_at.0 != *claim {
                continue;
            }
            delivery.state = result.state();
            delivery.due_at = if let AttemptResult::Retry(wait) = result { add(now, *wait) } else { now };
            delivery.finished_at = (delivery.state != OutboxState::Pending).then_some(now);
            if *result != AttemptResult::Released {
                delivery.attempts += 1;
                (delivery.status, delivery.error) = (*status, error.map(str::to_owned));
            }
            let webhook = *webhook;
            if let Some((_, webhook)) =
                state.webhooks.get_mut(&webhook).filter(|_| *result == AttemptResult::EndpointGone)
            {
                webhook.disabled_at.get_or_insert(now);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl WebhookStore for MemoryOutbox {
    async fn create(
        &self,
        user: UserId,
        id: Uuid,
        url: &str,
        limit: u16,
    ) -> Result<CreateResult, Unavailable> {
        let (mut state, created_at) = (self.state(), self.now());
        if state.deleted.contains(&user) {
            return Ok(CreateResult::NoUser);
        }
        if state.webhooks.values().filter(|(of, _)| *of == user).count() >= limit.into() {
            return Ok(CreateResult::TooMany);
        }
        let url = url.to_owned();
        let webhook = Webhook { id, url, secret: 1, previous_until: None, created_at, disabled_at: None };
        state.webhooks.insert(id, (user, webhook.clone()));
        Ok(CreateResult::Done(webhook))
    }

    async fn webhooks(&self, user: UserId) -> Result<Vec<Webhook>, Unavailable> {
        let state = self.state();
        let mut webhooks: Vec<Webhook> = state
            .webhooks
            .values()
            .filter(|(of, _)| *of == user)
            .map(|(_, webhook)| webhook.clone())
            .collect();
        webhooks.sort_by_key(|webhook| (webhook.created_at, webhook.id));
        Ok(webhooks)
    }

    async fn delete(&self, user: UserId, webhook: Uuid) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let exists = state.webhook_of(user, webhook).is_some();
        if exists {
            state.webhooks.remove(&webhook);
            state.deliveries.retain(|_, (of, _)| *of != webhook);
        }
        Ok(exists)
    }

    async fn rotate(
        &self,
        user: UserId,
        webhook: Uuid,
        overlap: Duration,
    ) -> Result<Option<Webhook>, Unavailable> {
        let (mut state, now) = (self.state(), self.now());
        Ok(state.webhook_of(user, webhook).map(|webhook| {
            webhook.secret += 1;
            webhook.previous_until = Some(add(now, overlap));
            webhook.clone()
        }))
    }

    async fn deliveries(
        &self,
        user: UserId,
        webhook: Uuid,
        before: u64,
        limit: usize,
    ) -> Result<Option<Vec<WebhookDelivery>>, Unavailable> {
        let mut state = self.state();
        if state.webhook_of(user, webhook).is_none() {
            return Ok(None);
        }
        let found = state.deliveries.range(..before).rev().filter(|(_, (of, _))| *of == webhook);
        Ok(Some(found.take(limit).map(|(_, (_, delivery))| delivery.clone()).collect()))
    }

    async fn replay(&self, user: UserId, webhook: Uuid, id: Uuid) -> Result<ReplayResult, Unavailable> {
        let (mut state, now) = (self.state(), self.now());
        match state.webhook_of(user, webhook) {
            None => return Ok(ReplayResult::NoWebhook),
            Some(webhook) if webhook.disabled_at.is_some() => return Ok(ReplayResult::Disabled),
            Some(_) => {}
        }
        let found = state.deliveries.values_mut().find(|(of, delivery)| *of == webhook && delivery.id == id);
        let Some((_, delivery)) = found else { return Ok(ReplayResult::NoDelivery) };
        (delivery.state, delivery.attempts, delivery.due_at) = (OutboxState::Pending, 0, now);
        delivery.finished_at = None;
        Ok(ReplayResult::Done(delivery.clone()))
    }
}
