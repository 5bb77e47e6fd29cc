//! Tests of the outbox dispatcher over an in-memory outbox, in paused time.

use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::outbox::{DeliveryChannel, OutboxMessage, OutboxState};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use auction_app::ports::notifications::webhooks::{CreateResult, WebhookDelivery, WebhookStore};
use auction_domain::UserId;
use auction_domain::user::NotificationKind;
use auction_testkit::contract::notification_store::place_all;
use auction_testkit::fixtures::{P, fresh};
use auction_testkit::memory::MemoryNotifications;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const LIMITS: DispatcherConfig = DispatcherConfig {
    max_concurrent: 8,
    max_concurrent_per_endpoint: 2,
    attempt_timeout: Duration::from_secs(20),
    poll_interval: Duration::from_secs(1),
};

const SCHEDULE: RetrySchedule = RetrySchedule { second: Duration::from_secs(1) };

/// Endpoints, whose behaviour depends on the host of their URL.
#[derive(Clone, Default)]
struct Receivers {
    /// Endpoint, message id and time of each attempt.
    log: Arc<Mutex<Vec<(Uuid, Uuid, Instant)>>>,
    /// Current and maximum number of concurrent attempts to slow endpoints.
    concurrent: Arc<Mutex<(usize, usize)>>,
}

impl Receivers {
    fn count_attempt(&self) {
        let mut concurrent = self.concurrent.lock().unwrap();
        *concurrent = (concurrent.0 + 1, concurrent.1.max(concurrent.0 + 1));
    }
}

impl Transport for Receivers {
    async fn send(&self, message: &OutboxMessage) -> SendResult {
        self.log.lock().unwrap().push((message.endpoint, message.id, Instant::now()));
        let url = format!("{:?}", message.destination);
        if url.contains("slow") {
            self.count_attempt();
            // Slightly less than the attempt timeout.
            sleep(Duration::from_secs(19)).await;
            self.concurrent.lock().unwrap().0 -= 1;
        }
        assert!(!url.contains("panics"), "panic by the test");
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

struct Fixture {
    notifications: MemoryNotifications,
    receivers: Receivers,
    wakeup: Wakeup,
}

impl Fixture {
    fn new() -> Fixture {
        let notifications = MemoryNotifications::new(9);
        Fixture { notifications, receivers: Receivers::default(), wakeup: Wakeup::default() }
    }

    fn dispatcher(&self) -> (ShutdownTrigger, JoinHandle<()>) {
        let outbox = self.notifications.outbox().clone();
        let dispatcher =
            OutboxDispatcher::new(outbox, self.receivers.clone(), DeliveryChannel::Webhook, LIMITS, SCHEDULE);
        let (stopper, stop) = shutdown_pair();
        let supervisor = Supervisor::without_health("dispatcher", stop);
        (stopper, tokio::spawn(dispatcher.run(self.wakeup.clone(), supervisor)))
    }

    /// Creates a user with a webhook of this behaviour.
    async fn user(&self, behaviour: &str) -> (UserId, Uuid) {
        let user = UserId(fresh());
        let url = format!("https://{behaviour}.example/");
        match self.notifications.outbox().create(user, fresh(), &url, 1).await.unwrap() {
            CreateResult::Done(webhook) => (user, webhook.id),
            other => panic!("{other:?}"),
        }
    }

    async fn notify(&self, user: UserId, count: usize) {
        let notification = || Notification {
            id: Uuid::new_v4(),
            user,
            kind: NotificationKind::AuctionWon,
            content: b"{}".to_vec().into(),
        };
        let mut store = self.notifications.open().await.unwrap();
        let from = store.checkpoint(P).await.unwrap();
        let batch = NotificationBatch {
            partition: P,
            from,
            to: from + 1,
            preferences: Vec::new(),
            deleted: Vec::new(),
            notifications: (0..count).map(|_| notification()).collect(),
        };
        assert!(matches!(store.commit(&batch).await.unwrap(), NotificationCommit::Done(_)));
        place_all(&self.notifications, P).await;
        self.wakeup.wake();
    }

    async fn deliveries(&self, (user, webhook): (UserId, Uuid)) -> Vec<WebhookDelivery> {
        self.notifications.outbox().deliveries(user, webhook, u64::MAX, 99).await.unwrap().unwrap()
    }

    /// Returns the message ids and times of the attempts to a webhook.
    fn attempts_to(&self, webhook: Uuid) -> Vec<(Uuid, Instant)> {
        let log = self.receivers.log.lock().unwrap();
        log.iter().filter(|(endpoint, ..)| *endpoint == webhook).map(|(_, id, at)| (*id, *at)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn dispatcher_sends_immediately_on_wakeup() {
    let fixture = Fixture::new();
    let (_stopper, _dispatcher) = fixture.dispatcher();
    let hook = fixture.user("takes").await;
    sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    fixture.notify(hook.0, 1).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(fixture.attempts_to(hook.1).len(), 1);
    assert!(fixture.attempts_to(hook.1)[0].1 - began <= Duration::from_millis(1));
    let delivery = fixture.deliveries(hook).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts, delivery.status), (OutboxState::Delivered, 1, Some(204)));
}

#[tokio::test(start_paused = true)]
async fn dispatcher_makes_ten_attempts_with_the_same_id() {
    let fixture = Fixture::new();
    let (_stopper, _dispatcher) = fixture.dispatcher();
    let hook = fixture.user("fails").await;
    fixture.notify(hook.0, 1).await;
    sleep(Duration::from_secs(100 * 60 * 60)).await;
    let attempts_to = fixture.attempts_to(hook.1);
    assert_eq!(attempts_to.len(), 10);
    assert!(attempts_to.iter().all(|(id, _)| *id == attempts_to[0].0));
    for (attempts, pair) in (1..).zip(attempts_to.windows(2)) {
        let (waited, due) = (pair[1].1 - pair[0].1, SCHEDULE.wait(attempts, attempts_to[0].0).unwrap());
        let late = waited.checked_sub(due).unwrap_or_else(|| panic!("{waited:?} is before {due:?}"));
        assert!(late <= 2 * LIMITS.poll_interval, "{waited:?} instead of {due:?}");
    }
    let delivery = fixture.deliveries(hook).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (OutboxState::Failed, 10));
    assert_eq!((delivery.status, delivery.error.as_deref()), (Some(500), Some("status")));
}

#[tokio::test(start_paused = true)]
async fn slow_endpoint_does_not_delay_other_endpoints() {
    let fixture = Fixture::new();
    let (_stopper, _dispatcher) = fixture.dispatcher();
    let (slow, fast) = (fixture.user("slow").await, fixture.user("takes").await);
    fixture.notify(slow.0, 50).await;
    sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    fixture.notify(fast.0, 20).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fixture.attempts_to(fast.1).len(), 20);
    assert!(fixture.attempts_to(fast.1).iter().all(|(_, at)| *at - began < Duration::from_secs(1)));
    sleep(Duration::from_secs(60 * 20)).await;
    assert_eq!(fixture.attempts_to(slow.1).len(), 50, "one attempt per message");
    assert_eq!(fixture.receivers.concurrent.lock().unwrap().1, LIMITS.max_concurrent_per_endpoint);
}

#[tokio::test(start_paused = true)]
async fn dispatcher_retries_after_a_timeout_or_panic() {
    let fixture = Fixture::new();
    let (_stopper, _dispatcher) = fixture.dispatcher();
    for (behaviour, error) in [("hangs", "timed_out"), ("panics", "internal_error")] {
        let hook = fixture.user(behaviour).await;
        fixture.notify(hook.0, 1).await;
        sleep(LIMITS.attempt_timeout + Duration::from_secs(1)).await;
        let delivery = fixture.deliveries(hook).await.remove(0);
        assert_eq!((delivery.state, delivery.error.as_deref()), (OutboxState::Pending, Some(error)));
    }
    let hook = fixture.user("takes").await;
    fixture.notify(hook.0, 1).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fixture.attempts_to(hook.1).len(), 1, "other endpoints still receive messages");
}

#[tokio::test(start_paused = true)]
async fn endpoint_that_is_gone_receives_no_more_messages() {
    let fixture = Fixture::new();
    let (_stopper, _dispatcher) = fixture.dispatcher();
    let hook = fixture.user("gone").await;
    fixture.notify(hook.0, 5).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        fixture.attempts_to(hook.1).len(),
        LIMITS.max_concurrent_per_endpoint,
        "only the concurrent attempts were made"
    );
    let deliveries = fixture.deliveries(hook).await;
    assert!(deliveries.iter().all(|delivery| delivery.state == OutboxState::Failed), "{deliveries:?}");
    assert!(fixture.notifications.outbox().webhooks(hook.0).await.unwrap()[0].disabled_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn claims_of_a_killed_dispatcher_expire_and_are_sent_again() {
    let fixture = Fixture::new();
    let (_stopper, dispatcher) = fixture.dispatcher();
    let hook = fixture.user("slow").await;
    fixture.notify(hook.0, 1).await;
    sleep(Duration::from_secs(1)).await;
    dispatcher.abort();
    let (_stopper, _dispatcher) = fixture.dispatcher();
    sleep(LIMITS.attempt_timeout).await;
    assert_eq!(fixture.attempts_to(hook.1).len(), 1, "the claim has not expired");
    sleep(Duration::from_secs(30)).await;
    let attempts_to = fixture.attempts_to(hook.1);
    assert_eq!((attempts_to.len(), attempts_to[0].0), (2, attempts_to[1].0));
    let delivery = fixture.deliveries(hook).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (OutboxState::Delivered, 1));
}

#[tokio::test(start_paused = true)]
async fn stopping_dispatcher_releases_its_claims() {
    let fixture = Fixture::new();
    let (stopper, dispatcher) = fixture.dispatcher();
    let (slow, fast) = (fixture.user("slow").await, fixture.user("takes").await);
    fixture.notify(slow.0, 1).await;
    fixture.notify(fast.0, 1).await;
    sleep(Duration::from_millis(10)).await;
    let began = Instant::now();
    stopper.stop();
    dispatcher.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(6));
    assert_eq!(fixture.deliveries(fast).await[0].state, OutboxState::Delivered);
    let (_stopper, _dispatcher) = fixture.dispatcher();
    sleep(Duration::from_secs(20)).await;
    assert_eq!(
        fixture.deliveries(slow).await[0].state,
        OutboxState::Delivered,
        "sent before the claim would expire"
    );
}
