//! [`Outbox`] and [`Webhooks`]: what is told goes out, to whom it shall, and as often as it must.

use crate::fixtures::{P, fresh};
use crate::local_servers::eventually;
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox, OutboxMessage,
    OutboxState,
};
use auction_app::ports::notifications::webhooks::{CreateResult, ReplayResult, Webhook, WebhookStore};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

const URL: &str = "https://a.example/";
const LONG: Duration = Duration::from_secs(60);

/// What is tried.
pub trait OutboxHarness {
    /// For telling.
    type Stores: NotificationStoreConnector;
    /// For sending.
    type Outbox: Outbox + WebhookStore;

    /// For telling.
    fn stores(&self) -> &Self::Stores;

    /// For sending.
    fn outbox(&self) -> &Self::Outbox;

    /// A user with an account.
    fn somebody(&self) -> impl Future<Output = UserId>;

    /// His account is deleted, and nobody was told yet.
    fn delete(&self, user: UserId) -> impl Future<Output = ()>;
}

/// Tells a user something; the ids of that.
pub async fn tell(house: &impl OutboxHarness, user: UserId, count: usize) -> Vec<Uuid> {
    let notification = || Notification {
        id: fresh(),
        user,
        kind: NotificationKind::AuctionWon,
        news: b"{\"text\":\"won\"}".to_vec().into(),
    };
    let notifications: Vec<Notification> = (0..count).map(|_| notification()).collect();
    let ids = notifications.iter().map(|notification| notification.id).collect();
    store(house, notifications, Vec::new()).await;
    ids
}

async fn store(house: &impl OutboxHarness, notifications: Vec<Notification>, deleted: Vec<UserId>) {
    let mut store = house.stores().open().await.unwrap();
    let from = store.checkpoint(P).await.unwrap();
    let subscriptions = deleted.iter().map(|user| (*user, NotificationPreferences::NONE)).collect();
    let telling =
        NotificationBatch { partition: P, from, to: from + 1, subscriptions, deleted, notifications };
    assert!(matches!(store.commit(&telling).await.unwrap(), NotificationCommit::Done(_)));
}

/// A webhook of a user.
pub async fn webhook(house: &impl OutboxHarness, user: UserId) -> Webhook {
    match house.outbox().create(user, fresh(), URL, 10).await.unwrap() {
        CreateResult::Done(webhook) => webhook,
        other => panic!("{other:?}"),
    }
}

fn wish() -> ClaimRequest {
    ClaimRequest {
        way: DeliveryChannel::Webhook,
        busy: Vec::new(),
        limit: 100,
        per_endpoint: 100,
        lease: LONG,
    }
}

/// Claims all that is due.
pub async fn claim(house: &impl OutboxHarness) -> Vec<OutboxMessage> {
    house.outbox().claim(&wish()).await.unwrap()
}

async fn settle(house: &impl OutboxHarness, parcel: &OutboxMessage, verdict: AttemptResult) {
    let (seq, claim) = (parcel.seq, parcel.claim);
    let settled = AttemptRecord { seq, claim, verdict, status: Some(503), error: Some("status") };
    house.outbox().record(&[settled]).await.unwrap();
}

async fn state(house: &impl OutboxHarness, user: UserId, webhook: Uuid) -> (OutboxState, u32, Option<u16>) {
    let found = house.outbox().deliveries(user, webhook, u64::MAX >> 1, 1).await.unwrap().unwrap();
    (found[0].state, found[0].attempts, found[0].status)
}

/// See its name.
pub async fn what_is_told_is_due_at_each_webhook_of_its_user(house: &impl OutboxHarness) {
    let (ada, bob) = (house.somebody().await, house.somebody().await);
    let before = tell(house, ada, 1).await;
    let (one, other) = (webhook(house, ada).await, webhook(house, ada).await);
    webhook(house, bob).await;
    let ids = tell(house, ada, 2).await;
    let parcels = claim(house).await;
    assert_eq!(parcels.len(), 4, "{before:?} was told before there was any");
    for hook in [&one, &other] {
        let mine: Vec<&OutboxMessage> = parcels.iter().filter(|parcel| parcel.endpoint == hook.id).collect();
        assert_eq!(mine.iter().map(|parcel| parcel.id).collect::<Vec<_>>(), ids, "the same id at both");
        for parcel in mine {
            assert_eq!((parcel.attempts, &parcel.news[..]), (0, &b"{\"text\":\"won\"}"[..]));
            assert_eq!(parcel.to, Destination::Webhook { url: URL.to_owned(), secret: 1, previous: false });
        }
    }
}

/// See its name.
pub async fn what_is_claimed_is_nobody_elses_until_the_claim_ends(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    webhook(house, ada).await;
    tell(house, ada, 1).await;
    let short = ClaimRequest { lease: Duration::from_millis(200), ..wish() };
    let first = house.outbox().claim(&short).await.unwrap();
    assert_eq!((first.len(), claim(house).await.len()), (1, 0));
    let again = std::sync::Mutex::new(Vec::new());
    eventually("the claim ends", || async {
        let found = claim(house).await;
        let there = !found.is_empty();
        again.lock().unwrap().extend(found);
        there
    })
    .await;
    let again = again.lock().unwrap().remove(0);
    assert_eq!((again.seq, again.id, again.attempts), (first[0].seq, first[0].id, 0));
    // Whoever was paused comes too late.
    settle(house, &first[0], AttemptResult::Delivered).await;
    assert_eq!(state(house, ada, again.endpoint).await, (OutboxState::Pending, 0, None));
    settle(house, &again, AttemptResult::Delivered).await;
    assert_eq!(state(house, ada, again.endpoint).await, (OutboxState::Delivered, 1, Some(503)));
}

/// See its name.
pub async fn an_endpoint_with_much_to_send_leaves_the_others_their_turn(house: &impl OutboxHarness) {
    let (ada, bob) = (house.somebody().await, house.somebody().await);
    let (much, little) = (webhook(house, ada).await.id, webhook(house, bob).await.id);
    tell(house, ada, 20).await;
    tell(house, bob, 1).await;
    let found = house.outbox().claim(&ClaimRequest { limit: 4, per_endpoint: 3, ..wish() }).await.unwrap();
    let of =
        |found: &[OutboxMessage], endpoint| found.iter().filter(|parcel| parcel.endpoint == endpoint).count();
    assert_eq!((of(&found, much), of(&found, little)), (3, 1));
    let busy = house.outbox().claim(&ClaimRequest { busy: vec![much], ..wish() }).await.unwrap();
    assert_eq!(busy.len(), 0);
    assert_eq!(of(&claim(house).await, much), 17);
}

/// See its name.
pub async fn what_is_not_taken_is_due_again_after_its_wait(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    let hook = webhook(house, ada).await;
    tell(house, ada, 1).await;
    settle(house, &claim(house).await[0], AttemptResult::Retry(Duration::from_millis(200))).await;
    assert_eq!(state(house, ada, hook.id).await, (OutboxState::Pending, 1, Some(503)));
    assert_eq!(claim(house).await.len(), 0);
    let found = std::sync::Mutex::new(Vec::new());
    eventually("it is due again", || async {
        let now = claim(house).await;
        let there = !now.is_empty();
        found.lock().unwrap().extend(now);
        there
    })
    .await;
    let parcel = found.lock().unwrap().remove(0);
    assert_eq!(parcel.attempts, 1);
    settle(house, &parcel, AttemptResult::Released).await;
    assert_eq!(state(house, ada, hook.id).await, (OutboxState::Pending, 1, Some(503)), "nothing was tried");
    let parcel = claim(house).await.remove(0);
    settle(house, &parcel, AttemptResult::Failed).await;
    assert_eq!(state(house, ada, hook.id).await, (OutboxState::Failed, 2, Some(503)));
    assert_eq!(claim(house).await.len(), 0);
}

/// See its name.
pub async fn a_webhook_that_wants_nothing_more_gets_nothing_more(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    let hook = webhook(house, ada).await.id;
    let ids = tell(house, ada, 2).await;
    let parcels = claim(house).await;
    settle(house, &parcels[0], AttemptResult::EndpointGone).await;
    settle(house, &parcels[1], AttemptResult::Released).await;
    assert!(house.outbox().webhooks(ada).await.unwrap()[0].disabled_at.is_some());
    let rest = claim(house).await;
    assert_eq!((rest.len(), &rest[0].to), (1, &Destination::Unreachable("disabled")));
    assert_eq!(house.outbox().replay(ada, hook, ids[0]).await.unwrap(), ReplayResult::Disabled);
    settle(house, &rest[0], AttemptResult::Failed).await;
    tell(house, ada, 1).await;
    assert_eq!(claim(house).await.len(), 0);
}

/// See its name.
pub async fn after_a_rotation_the_secret_before_signs_for_a_while(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    let hook = webhook(house, ada).await.id;
    let signs = |parcel: &OutboxMessage| match parcel.to {
        Destination::Webhook { secret, previous, .. } => (secret, previous),
        ref other => panic!("{other:?}"),
    };
    let rotated = house.outbox().rotate(ada, hook, LONG).await.unwrap().unwrap();
    assert_eq!(rotated.secret, 2);
    assert!(rotated.previous_until.unwrap() > rotated.created_at);
    tell(house, ada, 1).await;
    assert_eq!(signs(&claim(house).await[0]), (2, true));
    house.outbox().rotate(ada, hook, Duration::ZERO).await.unwrap().unwrap();
    tell(house, ada, 1).await;
    assert_eq!(signs(&claim(house).await[0]), (3, false));
}

/// See its name.
pub async fn what_was_sent_is_listed_and_can_be_sent_again(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    let hook = webhook(house, ada).await.id;
    assert_eq!(house.outbox().deliveries(ada, hook, u64::MAX >> 1, 9).await.unwrap(), Some(Vec::new()));
    let ids = tell(house, ada, 3).await;
    let parcels = claim(house).await;
    settle(house, &parcels[0], AttemptResult::Delivered).await;
    let page = house.outbox().deliveries(ada, hook, u64::MAX >> 1, 2).await.unwrap().unwrap();
    assert_eq!(page.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    let rest = house.outbox().deliveries(ada, hook, page[1].seq, 2).await.unwrap().unwrap();
    assert_eq!(
        rest.iter().map(|delivery| (delivery.id, delivery.state)).collect::<Vec<_>>(),
        [(ids[0], OutboxState::Delivered)]
    );
    assert!(rest[0].finished_at.is_some());
    let ReplayResult::Done(again) = house.outbox().replay(ada, hook, ids[0]).await.unwrap() else { panic!() };
    assert_eq!(
        (again.id, again.state, again.attempts, again.finished_at),
        (ids[0], OutboxState::Pending, 0, None)
    );
    let parcels = claim(house).await;
    assert_eq!(parcels.iter().map(|parcel| parcel.id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(house.outbox().replay(ada, hook, fresh()).await.unwrap(), ReplayResult::NoDelivery);
    assert_eq!(house.outbox().replay(ada, fresh(), ids[0]).await.unwrap(), ReplayResult::NoWebhook);
}

/// See its name.
pub async fn a_webhook_is_its_users_own(house: &impl OutboxHarness) {
    let (ada, bob) = (house.somebody().await, house.somebody().await);
    let hook = webhook(house, ada).await;
    let ids = tell(house, ada, 1).await;
    let outbox = house.outbox();
    assert_eq!(outbox.webhooks(ada).await.unwrap(), std::slice::from_ref(&hook));
    assert_eq!(outbox.webhooks(bob).await.unwrap(), []);
    assert_eq!(outbox.rotate(bob, hook.id, LONG).await.unwrap(), None);
    assert_eq!(outbox.deliveries(bob, hook.id, 99, 9).await.unwrap(), None);
    assert_eq!(outbox.replay(bob, hook.id, ids[0]).await.unwrap(), ReplayResult::NoWebhook);
    assert!(!outbox.delete(bob, hook.id).await.unwrap());
    assert!(outbox.delete(ada, hook.id).await.unwrap());
    assert!(!outbox.delete(ada, hook.id).await.unwrap());
    assert_eq!(claim(house).await.len(), 0, "what was to be sent there is gone with it");
}

/// See its name.
pub async fn a_user_has_so_many_webhooks(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    let create = async || house.outbox().create(ada, fresh(), URL, 3).await.unwrap();
    let all = tokio::join!(create(), create(), create(), create(), create());
    let all = [all.0, all.1, all.2, all.3, all.4];
    assert_eq!(all.iter().filter(|created| matches!(created, CreateResult::Done(_))).count(), 3, "{all:?}");
    assert_eq!(create().await, CreateResult::TooMany);
    assert_eq!(house.outbox().webhooks(ada).await.unwrap().len(), 3);
}

/// See its name.
pub async fn nothing_is_left_of_a_deleted_user(house: &impl OutboxHarness) {
    let ada = house.somebody().await;
    webhook(house, ada).await;
    tell(house, ada, 2).await;
    house.delete(ada).await;
    assert_eq!(house.outbox().create(ada, fresh(), URL, 10).await.unwrap(), CreateResult::NoUser);
    let last = Notification {
        id: fresh(),
        user: ada,
        kind: NotificationKind::AuctionWon,
        news: b"{}".to_vec().into(),
    };
    store(house, vec![last], vec![ada]).await;
    assert_eq!(house.outbox().webhooks(ada).await.unwrap(), []);
    assert_eq!(claim(house).await.len(), 0);
}
