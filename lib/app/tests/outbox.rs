//! Senders over an outbox in memory, in paused time.

use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::outbox::{DeliveryChannel, OutboxMessage, OutboxState};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use auction_app::ports::notifications::webhooks::{CreateResult, WebhookDelivery, WebhookStore};
use auction_domain::UserId;
use auction_domain::user::NotificationKind;
use auction_testkit::fixtures::{P, fresh};
use auction_testkit::memory::MemoryNotifications;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const LIMITS: DispatcherConfig = DispatcherConfig {
    at_once: 8,
    per_endpoint: 2,
    attempt: Duration::from_secs(20),
    look: Duration::from_secs(1),
};

const SCHEDULE: RetrySchedule = RetrySchedule { second: Duration::from_secs(1) };

/// What an endpoint does, by the path of its URL.
#[derive(Clone, Default)]
struct Receivers {
    /// Who was reached, with what, and when.
    log: Arc<Mutex<Vec<(Uuid, Uuid, Instant)>>>,
    /// Of slow ones, so many are on the way, and were at most.
    at_once: Arc<Mutex<(usize, usize)>>,
}

impl Receivers {
    fn begins(&self) {
        let mut at_once = self.at_once.lock().unwrap();
        *at_once = (at_once.0 + 1, at_once.1.max(at_once.0 + 1));
    }
}

impl Transport for Receivers {
    async fn send(&self, parcel: &OutboxMessage) -> SendResult {
        self.log.lock().unwrap().push((parcel.endpoint, parcel.id, Instant::now()));
        let url = format!("{:?}", parcel.to);
        if url.contains("slow") {
            self.begins();
            // Longer than anybody waits.
            sleep(Duration::from_secs(19)).await;
            self.at_once.lock().unwrap().0 -= 1;
        }
        assert!(!url.contains("panics"), "this one panics");
        if url.contains("hangs") {
            std::future::pending::<()>().await;
        }
        if url.contains("fails") {
            return SendResult::Retryable { status: Some(500), error: "status" };
        }
        if url.contains("gone") {
            return SendResult::EndpointGone { status: Some(410) };
        }
        SendResult::Accepted { status: Some(204) }
    }
}

struct World {
    notifications: MemoryNotifications,
    receivers: Receivers,
    bell: Wakeup,
}

impl World {
    fn new() -> World {
        let notifications = MemoryNotifications::new(9);
        World { notifications, receivers: Receivers::default(), bell: Wakeup::default() }
    }

    fn sender(&self) -> (ShutdownTrigger, JoinHandle<()>) {
        let outbox = self.notifications.outbox().clone();
        let sender =
            OutboxDispatcher::new(outbox, self.receivers.clone(), DeliveryChannel::Webhook, LIMITS, SCHEDULE);
        let (stopper, stop) = shutdown_pair();
        let health = Health::default().register("sender");
        (stopper, tokio::spawn(sender.run(self.bell.clone(), health, stop)))
    }

    /// A user with a webhook that does that.
    async fn user(&self, does: &str) -> (UserId, Uuid) {
        let user = UserId(fresh());
        let url = format!("https://{does}.example/");
        match self.notifications.outbox().create(user, fresh(), &url, 1).await.unwrap() {
            CreateResult::Done(webhook) => (user, webhook.id),
            other => panic!("{other:?}"),
        }
    }

    async fn tell(&self, user: UserId, count: usize) {
        let told = || Notification {
            id: Uuid::new_v4(),
            user,
            kind: NotificationKind::AuctionWon,
            news: b"{}".to_vec().into(),
        };
        let mut store = self.notifications.open().await.unwrap();
        let from = store.checkpoint(P).await.unwrap();
        let telling = NotificationBatch {
            partition: P,
            from,
            to: from + 1,
            subscriptions: Vec::new(),
            deleted: Vec::new(),
            notifications: (0..count).map(|_| told()).collect(),
        };
        assert!(matches!(store.commit(&telling).await.unwrap(), NotificationCommit::Done(_)));
        self.bell.wake();
    }

    async fn deliveries(&self, (user, webhook): (UserId, Uuid)) -> Vec<WebhookDelivery> {
        self.notifications.outbox().deliveries(user, webhook, u64::MAX, 99).await.unwrap().unwrap()
    }

    /// When that endpoint was reached, and with what.
    fn reached(&self, webhook: Uuid) -> Vec<(Uuid, Instant)> {
        let log = self.receivers.log.lock().unwrap();
        log.iter().filter(|(endpoint, ..)| *endpoint == webhook).map(|(_, id, at)| (*id, *at)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_sent_at_once_when_the_bell_rings() {
    let world = World::new();
    let (_stopper, _sender) = world.sender();
    let hook = world.user("takes").await;
    sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    world.tell(hook.0, 1).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.reached(hook.1).len(), 1);
    assert!(world.reached(hook.1)[0].1 - began <= Duration::from_millis(1));
    let delivery = world.deliveries(hook).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts, delivery.status), (OutboxState::Delivered, 1, Some(204)));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_sent_ten_times_with_the_same_id_and_then_given_up() {
    let world = World::new();
    let (_stopper, _sender) = world.sender();
    let hook = world.user("fails").await;
    world.tell(hook.0, 1).await;
    sleep(Duration::from_secs(100 * 60 * 60)).await;
    let reached = world.reached(hook.1);
    assert_eq!(reached.len(), 10);
    assert!(reached.iter().all(|(id, _)| *id == reached[0].0));
    for (attempts, pair) in (1..).zip(reached.windows(2)) {
        let (waited, due) = (pair[1].1 - pair[0].1, SCHEDULE.wait(attempts, reached[0].0).unwrap());
        let late = waited.checked_sub(due).unwrap_or_else(|| panic!("{waited:?} is before {due:?}"));
        assert!(late <= 2 * LIMITS.look, "{waited:?} instead of {due:?}");
    }
    let delivery = world.deliveries(hook).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (OutboxState::Failed, 10));
    assert_eq!((delivery.status, delivery.error.as_deref()), (Some(500), Some("status")));
}

#[tokio::test(start_paused = true)]
async fn a_slow_endpoint_holds_up_nobody_else() {
    let world = World::new();
    let (_stopper, _sender) = world.sender();
    let (slow, quick) = (world.user("slow").await, world.user("takes").await);
    world.tell(slow.0, 50).await;
    sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    world.tell(quick.0, 20).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.reached(quick.1).len(), 20);
    assert!(world.reached(quick.1).iter().all(|(_, at)| *at - began < Duration::from_secs(1)));
    sleep(Duration::from_secs(60 * 20)).await;
    assert_eq!(world.reached(slow.1).len(), 50, "each once");
    assert_eq!(world.receivers.at_once.lock().unwrap().1, LIMITS.per_endpoint);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_or_panics_is_an_attempt_that_failed() {
    let world = World::new();
    let (_stopper, _sender) = world.sender();
    for (does, error) in [("hangs", "timed_out"), ("panics", "internal_error")] {
        let hook = world.user(does).await;
        world.tell(hook.0, 1).await;
        sleep(LIMITS.attempt + Duration::from_secs(1)).await;
        let delivery = world.deliveries(hook).await.remove(0);
        assert_eq!((delivery.state, delivery.error.as_deref()), (OutboxState::Pending, Some(error)));
    }
    let hook = world.user("takes").await;
    world.tell(hook.0, 1).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.reached(hook.1).len(), 1, "and others go on");
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_is_sent_nothing_more() {
    let world = World::new();
    let (_stopper, _sender) = world.sender();
    let hook = world.user("gone").await;
    world.tell(hook.0, 5).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.reached(hook.1).len(), LIMITS.per_endpoint, "as many as were on the way");
    let deliveries = world.deliveries(hook).await;
    assert!(deliveries.iter().all(|delivery| delivery.state == OutboxState::Failed), "{deliveries:?}");
    assert!(world.notifications.outbox().webhooks(hook.0).await.unwrap()[0].disabled_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_sender_had_in_hand_is_sent_by_another_with_the_same_id() {
    let world = World::new();
    let (_stopper, sender) = world.sender();
    let hook = world.user("slow").await;
    world.tell(hook.0, 1).await;
    sleep(Duration::from_secs(1)).await;
    sender.abort();
    let (_stopper, _sender) = world.sender();
    sleep(LIMITS.attempt).await;
    assert_eq!(world.reached(hook.1).len(), 1, "its claim has not ended");
    sleep(Duration::from_secs(30)).await;
    let reached = world.reached(hook.1);
    assert_eq!((reached.len(), reached[0].0), (2, reached[1].0));
    let delivery = world.deliveries(hook).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (OutboxState::Delivered, 1));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_stops_returns_what_it_has_in_hand() {
    let world = World::new();
    let (stopper, sender) = world.sender();
    let (slow, quick) = (world.user("slow").await, world.user("takes").await);
    world.tell(slow.0, 1).await;
    world.tell(quick.0, 1).await;
    sleep(Duration::from_millis(10)).await;
    let began = Instant::now();
    stopper.stop();
    sender.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(6));
    assert_eq!(world.deliveries(quick).await[0].state, OutboxState::Delivered);
    let (_stopper, _sender) = world.sender();
    sleep(Duration::from_secs(20)).await;
    assert_eq!(world.deliveries(slow).await[0].state, OutboxState::Delivered, "at once, not after the claim");
}
