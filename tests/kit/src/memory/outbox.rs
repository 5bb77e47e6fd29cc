//! What is on its way out of the house.

use auction_app::ports::Unavailable;
use auction_app::ports::notifications::notification_store::Notification;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox, OutboxMessage,
    OutboxState,
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

/// Webhooks and what goes there; clones share them.
#[derive(Clone, Debug)]
pub struct MemoryOutbox {
    house: Arc<Mutex<House>>,
    began: Instant,
}

#[derive(Debug, Default)]
struct House {
    webhooks: BTreeMap<Uuid, (UserId, Webhook)>,
    deliveries: BTreeMap<u64, (Uuid, WebhookDelivery)>,
    deleted: BTreeSet<UserId>,
    last: u64,
}

impl Default for MemoryOutbox {
    fn default() -> MemoryOutbox {
        MemoryOutbox { house: Arc::default(), began: Instant::now() }
    }
}

impl MemoryOutbox {
    fn house(&self) -> MutexGuard<'_, House> {
        self.house.lock().unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp(1 + i64::try_from(self.began.elapsed().as_millis()).unwrap())
    }

    /// A notification is stored.
    pub(super) fn queue(&self, notification: &Notification) {
        let (mut house, now) = (self.house(), self.now());
        let open = |(user, webhook): &&(UserId, Webhook)| {
            *user == notification.user && webhook.disabled_at.is_none()
        };
        let to: Vec<Uuid> = house.webhooks.values().filter(open).map(|(_, webhook)| webhook.id).collect();
        for webhook in to {
            house.last += 1;
            let delivery = WebhookDelivery {
                seq: house.last,
                id: notification.id,
                news: notification.news.to_vec(),
                state: OutboxState::Pending,
                attempts: 0,
                created_at: now,
                next_at: now,
                finished_at: None,
                status: None,
                error: None,
            };
            house.deliveries.insert(delivery.seq, (webhook, delivery));
        }
    }

    /// The account of a user is deleted.
    pub fn delete_user(&self, user: UserId) {
        self.house().deleted.insert(user);
    }

    /// The notifier hears of it.
    pub(super) fn erase(&self, user: UserId) {
        let mut house = self.house();
        house.webhooks.retain(|_, (of, _)| *of != user);
        let House { webhooks, deliveries, .. } = &mut *house;
        deliveries.retain(|_, (webhook, _)| webhooks.contains_key(webhook));
    }
}

impl House {
    fn of(&mut self, user: UserId, webhook: Uuid) -> Option<&mut Webhook> {
        self.webhooks.get_mut(&webhook).filter(|(of, _)| *of == user).map(|(_, webhook)| webhook)
    }

    fn to(&self, webhook: Uuid, now: Timestamp) -> Destination {
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

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp(now.0 + i64::try_from(wait.as_millis()).unwrap())
}

impl Outbox for MemoryOutbox {
    async fn claim(&self, claim: &ClaimRequest) -> Result<Vec<OutboxMessage>, Unavailable> {
        let (mut house, now) = (self.house(), self.now());
        let due = |(webhook, delivery): &&(Uuid, WebhookDelivery)| {
            // Nobody has a mailbox here.
            claim.way == DeliveryChannel::Webhook
                && delivery.state == OutboxState::Pending
                && delivery.next_at <= now
                && !claim.busy.contains(webhook)
        };
        let mut due: Vec<_> = house.deliveries.values().filter(due).cloned().collect();
        due.sort_by_key(|(_, delivery)| (delivery.next_at, delivery.seq));
        let (mut each, mut parcels) = (BTreeMap::<Uuid, usize>::new(), Vec::new());
        for (endpoint, delivery) in due {
            let taken = each.entry(endpoint).or_default();
            if *taken == claim.per_endpoint || parcels.len() == claim.limit {
                continue;
            }
            *taken += 1;
            let until = after(now, claim.lease);
            house.deliveries.get_mut(&delivery.seq).unwrap().1.next_at = until;
            let WebhookDelivery { seq, id, news, attempts, .. } = delivery;
            let to = house.to(endpoint, now);
            parcels.push(OutboxMessage { seq, claim: until.0, endpoint, id, attempts, news, to });
        }
        Ok(parcels)
    }

    async fn record(&self, settled: &[AttemptRecord]) -> Result<(), Unavailable> {
        let (mut house, now) = (self.house(), self.now());
        for AttemptRecord { seq, claim, verdict, status, error } in settled {
            let Some((webhook, delivery)) = house.deliveries.get_mut(seq) else { continue };
            if delivery.state != OutboxState::Pending || delivery.next_at.0 != *claim {
                continue;
            }
            delivery.state = verdict.state();
            delivery.next_at = if let AttemptResult::Retry(wait) = verdict { after(now, *wait) } else { now };
            delivery.finished_at = (delivery.state != OutboxState::Pending).then_some(now);
            if *verdict != AttemptResult::Released {
                delivery.attempts += 1;
                (delivery.status, delivery.error) = (*status, error.map(str::to_owned));
            }
            let webhook = *webhook;
            if let Some((_, webhook)) =
                house.webhooks.get_mut(&webhook).filter(|_| *verdict == AttemptResult::EndpointGone)
            {
                webhook.disabled_at.get_or_insert(now);
            }
        }
        Ok(())
    }
}

impl WebhookStore for MemoryOutbox {
    async fn create(
        &self,
        user: UserId,
        id: Uuid,
        url: &str,
        at_most: u16,
    ) -> Result<CreateResult, Unavailable> {
        let (mut house, created_at) = (self.house(), self.now());
        if house.deleted.contains(&user) {
            return Ok(CreateResult::NoUser);
        }
        if house.webhooks.values().filter(|(of, _)| *of == user).count() >= at_most.into() {
            return Ok(CreateResult::TooMany);
        }
        let url = url.to_owned();
        let webhook = Webhook { id, url, secret: 1, previous_until: None, created_at, disabled_at: None };
        house.webhooks.insert(id, (user, webhook.clone()));
        Ok(CreateResult::Done(webhook))
    }

    async fn webhooks(&self, user: UserId) -> Result<Vec<Webhook>, Unavailable> {
        let house = self.house();
        let mut webhooks: Vec<Webhook> = house
            .webhooks
            .values()
            .filter(|(of, _)| *of == user)
            .map(|(_, webhook)| webhook.clone())
            .collect();
        webhooks.sort_by_key(|webhook| (webhook.created_at, webhook.id));
        Ok(webhooks)
    }

    async fn delete(&self, user: UserId, webhook: Uuid) -> Result<bool, Unavailable> {
        let mut house = self.house();
        let there = house.of(user, webhook).is_some();
        if there {
            house.webhooks.remove(&webhook);
            house.deliveries.retain(|_, (of, _)| *of != webhook);
        }
        Ok(there)
    }

    async fn rotate(
        &self,
        user: UserId,
        webhook: Uuid,
        overlap: Duration,
    ) -> Result<Option<Webhook>, Unavailable> {
        let (mut house, now) = (self.house(), self.now());
        Ok(house.of(user, webhook).map(|webhook| {
            webhook.secret += 1;
            webhook.previous_until = Some(after(now, overlap));
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
        let mut house = self.house();
        if house.of(user, webhook).is_none() {
            return Ok(None);
        }
        let there = house.deliveries.range(..before).rev().filter(|(_, (of, _))| *of == webhook);
        Ok(Some(there.take(limit).map(|(_, (_, delivery))| delivery.clone()).collect()))
    }

    async fn replay(&self, user: UserId, webhook: Uuid, id: Uuid) -> Result<ReplayResult, Unavailable> {
        let (mut house, now) = (self.house(), self.now());
        match house.of(user, webhook) {
            None => return Ok(ReplayResult::NoWebhook),
            Some(webhook) if webhook.disabled_at.is_some() => return Ok(ReplayResult::Disabled),
            Some(_) => {}
        }
        let found = house.deliveries.values_mut().find(|(of, delivery)| *of == webhook && delivery.id == id);
        let Some((_, delivery)) = found else { return Ok(ReplayResult::NoDelivery) };
        (delivery.state, delivery.attempts, delivery.next_at) = (OutboxState::Pending, 0, now);
        delivery.finished_at = None;
        Ok(ReplayResult::Done(delivery.clone()))
    }
}
