//! Contract of [`Outbox`] and [`WebhookStore`]: notifications are sent to the webhooks of their user until
//! each one is delivered or given up.

use crate::contract::notification_store::place_all;
use crate::fixtures::{P, fresh};
use crate::local_servers::eventually;
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox, OutboxMessage,
    OutboxState,
};
use auction_app::ports::notifications::placement::PlacementStore;
use auction_app::ports::notifications::webhooks::{CreateResult, ReplayResult, Webhook, WebhookStore};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

const URL: &str = "https://a.example/";
const LONG: Duration = Duration::from_secs(60);

/// Access to a notification store and its outbox.
pub trait OutboxHarness {
    type Stores: NotificationStoreConnector;
    type Placements: PlacementStore;
    type Outbox: Outbox + WebhookStore;

    fn stores(&self) -> &Self::Stores;

    fn placements(&self) -> &Self::Placements;

    fn outbox(&self) -> &Self::Outbox;

    /// Creates a user with an account.
    fn create_user(&self) -> impl Future<Output = UserId>;

    /// Deletes the account of a user. The notifier has not seen the deletion yet.
    fn delete(&self, user: UserId) -> impl Future<Output = ()>;
}

/// Stores `count` notifications for a user and returns their ids.
pub async fn notify_user(harness: &impl OutboxHarness, user: UserId, count: usize) -> Vec<Uuid> {
    let notification = || Notification {
        id: fresh(),
        user,
        kind: NotificationKind::AuctionWon,
        content: b"{\"text\":\"won\"}".to_vec().into(),
    };
    let notifications: Vec<Notification> = (0..count).map(|_| notification()).collect();
    let ids = notifications.iter().map(|notification| notification.id).collect();
    store(harness, notifications, Vec::new()).await;
    ids
}

async fn store(harness: &impl OutboxHarness, notifications: Vec<Notification>, deleted: Vec<UserId>) {
    let mut store = harness.stores().open().await.unwrap();
    let from = store.checkpoint(P).await.unwrap();
    let preferences = deleted.iter().map(|user| (*user, NotificationPreferences::NONE)).collect();
    let batch = NotificationBatch { partition: P, from, to: from + 1, preferences, deleted, notifications };
    assert!(matches!(store.commit(&batch).await.unwrap(), NotificationCommit::Done(_)));
    place_all(harness.placements(), P).await;
}

/// Creates a webhook for a user.
pub async fn webhook(harness: &impl OutboxHarness, user: UserId) -> Webhook {
    match harness.outbox().create(user, fresh(), URL, 10).await.unwrap() {
        CreateResult::Done(webhook) => webhook,
        other => panic!("{other:?}"),
    }
}

fn claim_request() -> ClaimRequest {
    ClaimRequest {
        channel: DeliveryChannel::Webhook,
        busy: Vec::new(),
        limit: 100,
        per_endpoint: 100,
        lease: LONG,
    }
}

/// Claims all messages that are due.
pub async fn claim(harness: &impl OutboxHarness) -> Vec<OutboxMessage> {
    harness.outbox().claim(&claim_request()).await.unwrap()
}

async fn record_attempt(harness: &impl OutboxHarness, message: &OutboxMessage, result: AttemptResult) {
    let (delivery, claim) = (message.delivery, message.claim);
    let attempt = AttemptRecord { delivery, claim, result, status: Some(503), error: Some("status") };
    harness.outbox().record(&[attempt]).await.unwrap();
}

async fn state(harness: &impl OutboxHarness, user: UserId, webhook: Uuid) -> (OutboxState, u32, Option<u16>) {
    let found = harness.outbox().deliveries(user, webhook, u64::MAX >> 1, 1).await.unwrap().unwrap();
    (found[0].state, found[0].attempts, found[0].status)
}

pub async fn notifications_are_due_at_every_webhook_of_their_user(harness: &impl OutboxHarness) {
    let (ada, bob) = (harness.create_user().await, harness.create_user().await);
    let before = notify_user(harness, ada, 1).await;
    let (one, other) = (webhook(harness, ada).await, webhook(harness, ada).await);
    webhook(harness, bob).await;
    let ids = notify_user(harness, ada, 2).await;
    let messages = claim(harness).await;
    assert_eq!(messages.len(), 4, "{before:?} was stored before there was a webhook");
    for hook in [&one, &other] {
        let own: Vec<&OutboxMessage> =
            messages.iter().filter(|message| message.endpoint == hook.id).collect();
        assert_eq!(
            own.iter().map(|message| message.id).collect::<Vec<_>>(),
            ids,
            "both webhooks get the same ids"
        );
        for message in own {
            assert_eq!((message.attempts, &message.content[..]), (0, &b"{\"text\":\"won\"}"[..]));
            assert_eq!(
                message.destination,
                Destination::Webhook { url: URL.to_owned(), secret: 1, previous: false }
            );
        }
    }
}

pub async fn claims_are_exclusive_until_they_expire(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    webhook(harness, ada).await;
    notify_user(harness, ada, 1).await;
    let short = ClaimRequest { lease: Duration::from_millis(200), ..claim_request() };
    let first = harness.outbox().claim(&short).await.unwrap();
    assert_eq!((first.len(), claim(harness).await.len()), (1, 0));
    let again = std::sync::Mutex::new(Vec::new());
    eventually("the claim expires", || async {
        let found = claim(harness).await;
        let is_claimed = !found.is_empty();
        again.lock().unwrap().extend(found);
        is_claimed
    })
    .await;
    let again = again.lock().unwrap().remove(0);
    assert_eq!((again.delivery, again.id, again.attempts), (first[0].delivery, first[0].id, 0));
    // The result of an expired claim is ignored.
    record_attempt(harness, &first[0], AttemptResult::Delivered).await;
    assert_eq!(state(harness, ada, again.endpoint).await, (OutboxState::Pending, 0, None));
    record_attempt(harness, &again, AttemptResult::Delivered).await;
    assert_eq!(state(harness, ada, again.endpoint).await, (OutboxState::Delivered, 1, Some(503)));
}

pub async fn claims_are_limited_per_endpoint(harness: &impl OutboxHarness) {
    let (ada, bob) = (harness.create_user().await, harness.create_user().await);
    let (busy, idle) = (webhook(harness, ada).await.id, webhook(harness, bob).await.id);
    notify_user(harness, ada, 20).await;
    notify_user(harness, bob, 1).await;
    let found =
        harness.outbox().claim(&ClaimRequest { limit: 4, per_endpoint: 3, ..claim_request() }).await.unwrap();
    let of = |found: &[OutboxMessage], endpoint| {
        found.iter().filter(|message| message.endpoint == endpoint).count()
    };
    assert_eq!((of(&found, busy), of(&found, idle)), (3, 1));
    let found = harness.outbox().claim(&ClaimRequest { busy: vec![busy], ..claim_request() }).await.unwrap();
    assert_eq!(found.len(), 0);
    assert_eq!(of(&claim(harness).await, busy), 17);
}

pub async fn retried_message_is_due_after_its_delay(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    let hook = webhook(harness, ada).await;
    notify_user(harness, ada, 1).await;
    record_attempt(harness, &claim(harness).await[0], AttemptResult::Retry(Duration::from_millis(200))).await;
    assert_eq!(state(harness, ada, hook.id).await, (OutboxState::Pending, 1, Some(503)));
    assert_eq!(claim(harness).await.len(), 0);
    let found = std::sync::Mutex::new(Vec::new());
    eventually("the message is due again", || async {
        let now = claim(harness).await;
        let is_claimed = !now.is_empty();
        found.lock().unwrap().extend(now);
        is_claimed
    })
    .await;
    let message = found.lock().unwrap().remove(0);
    assert_eq!(message.attempts, 1);
    record_attempt(harness, &message, AttemptResult::Released).await;
    assert_eq!(
        state(harness, ada, hook.id).await,
        (OutboxState::Pending, 1, Some(503)),
        "a released claim is no attempt"
    );
    let message = claim(harness).await.remove(0);
    record_attempt(harness, &message, AttemptResult::Failed).await;
    assert_eq!(state(harness, ada, hook.id).await, (OutboxState::Failed, 2, Some(503)));
    assert_eq!(claim(harness).await.len(), 0);
}

pub async fn webhook_is_disabled_when_its_endpoint_is_gone(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    let hook = webhook(harness, ada).await.id;
    let ids = notify_user(harness, ada, 2).await;
    let messages = claim(harness).await;
    record_attempt(harness, &messages[0], AttemptResult::EndpointGone).await;
    record_attempt(harness, &messages[1], AttemptResult::Released).await;
    assert!(harness.outbox().webhooks(ada).await.unwrap()[0].disabled_at.is_some());
    let rest = claim(harness).await;
    assert_eq!((rest.len(), &rest[0].destination), (1, &Destination::Unreachable("disabled")));
    assert_eq!(harness.outbox().replay(ada, hook, ids[0]).await.unwrap(), ReplayResult::Disabled);
    record_attempt(harness, &rest[0], AttemptResult::Failed).await;
    notify_user(harness, ada, 1).await;
    assert_eq!(claim(harness).await.len(), 0);
}

pub async fn previous_secret_signs_for_a_while_after_rotation(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    let hook = webhook(harness, ada).await.id;
    let signs = |message: &OutboxMessage| match message.destination {
        Destination::Webhook { secret, previous, .. } => (secret, previous),
        ref other => panic!("{other:?}"),
    };
    let rotated = harness.outbox().rotate(ada, hook, LONG).await.unwrap().unwrap();
    assert_eq!(rotated.secret, 2);
    assert!(rotated.previous_until.unwrap() > rotated.created_at);
    notify_user(harness, ada, 1).await;
    assert_eq!(signs(&claim(harness).await[0]), (2, true));
    harness.outbox().rotate(ada, hook, Duration::ZERO).await.unwrap().unwrap();
    notify_user(harness, ada, 1).await;
    assert_eq!(signs(&claim(harness).await[0]), (3, false));
}

pub async fn deliveries_are_listed_and_can_be_replayed(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    let hook = webhook(harness, ada).await.id;
    assert_eq!(harness.outbox().deliveries(ada, hook, u64::MAX >> 1, 9).await.unwrap(), Some(Vec::new()));
    let ids = notify_user(harness, ada, 3).await;
    let messages = claim(harness).await;
    record_attempt(harness, &messages[0], AttemptResult::Delivered).await;
    let page = harness.outbox().deliveries(ada, hook, u64::MAX >> 1, 2).await.unwrap().unwrap();
    assert_eq!(page.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    let rest = harness.outbox().deliveries(ada, hook, page[1].seq, 2).await.unwrap().unwrap();
    assert_eq!(
        rest.iter().map(|delivery| (delivery.id, delivery.state)).collect::<Vec<_>>(),
        [(ids[0], OutboxState::Delivered)]
    );
    assert!(rest[0].finished_at.is_some());
    let ReplayResult::Done(again) = harness.outbox().replay(ada, hook, ids[0]).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        (again.id, again.state, again.attempts, again.finished_at),
        (ids[0], OutboxState::Pending, 0, None)
    );
    let messages = claim(harness).await;
    assert_eq!(messages.iter().map(|message| message.id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(harness.outbox().replay(ada, hook, fresh()).await.unwrap(), ReplayResult::NoDelivery);
    assert_eq!(harness.outbox().replay(ada, fresh(), ids[0]).await.unwrap(), ReplayResult::NoWebhook);
}

pub async fn webhooks_are_accessible_only_to_their_user(harness: &impl OutboxHarness) {
    let (ada, bob) = (harness.create_user().await, harness.create_user().await);
    let hook = webhook(harness, ada).await;
    let ids = notify_user(harness, ada, 1).await;
    let outbox = harness.outbox();
    assert_eq!(outbox.webhooks(ada).await.unwrap(), std::slice::from_ref(&hook));
    assert_eq!(outbox.webhooks(bob).await.unwrap(), []);
    assert_eq!(outbox.rotate(bob, hook.id, LONG).await.unwrap(), None);
    assert_eq!(outbox.deliveries(bob, hook.id, 99, 9).await.unwrap(), None);
    assert_eq!(outbox.replay(bob, hook.id, ids[0]).await.unwrap(), ReplayResult::NoWebhook);
    assert!(!outbox.delete(bob, hook.id).await.unwrap());
    assert!(outbox.delete(ada, hook.id).await.unwrap());
    assert!(!outbox.delete(ada, hook.id).await.unwrap());
    assert_eq!(claim(harness).await.len(), 0, "pending messages are deleted with their webhook");
}

pub async fn webhooks_per_user_are_limited(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    let create = async || harness.outbox().create(ada, fresh(), URL, 3).await.unwrap();
    let all = tokio::join!(create(), create(), create(), create(), create());
    let all = [all.0, all.1, all.2, all.3, all.4];
    assert_eq!(all.iter().filter(|created| matches!(created, CreateResult::Done(_))).count(), 3, "{all:?}");
    assert_eq!(create().await, CreateResult::TooMany);
    assert_eq!(harness.outbox().webhooks(ada).await.unwrap().len(), 3);
}

pub async fn user_deletion_removes_webhooks_and_messages(harness: &impl OutboxHarness) {
    let ada = harness.create_user().await;
    webhook(harness, ada).await;
    notify_user(harness, ada, 2).await;
    harness.delete(ada).await;
    assert_eq!(harness.outbox().create(ada, fresh(), URL, 10).await.unwrap(), CreateResult::NoUser);
    let last = Notification {
        id: fresh(),
        user: ada,
        kind: NotificationKind::AuctionWon,
        content: b"{}".to_vec().into(),
    };
    store(harness, vec![last], vec![ada]).await;
    assert_eq!(harness.outbox().webhooks(ada).await.unwrap(), []);
    assert_eq!(claim(harness).await.len(), 0);
}
