//! Live updates: a broadcast hub sends the events of auctions to subscribers as they are published.
//!
//! One task reads the published events for all subscribers, applies them to the auctions that have
//! subscribers, and serializes each event once. A subscriber receives every event of the auction in order,
//! without gaps: versions that are missing on a stream are read from the event store, and a subscriber that
//! reconnects continues after the last version it received. The task never waits for a subscriber: one that
//! is too slow is disconnected and can reconnect.

mod hub_task;
mod inbox_signals;
mod sse;
mod topic;

pub use inbox_signals::{InboxSignal, InboxSignals};
pub use sse::{SseFrame, heartbeat};

use crate::ports::Unavailable;
use crate::ports::events::auction_event_reader::AuctionEventReader;
use crate::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use hub_task::HubTask;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use tokio::time::timeout;
use worker_runtime::Supervisor;

/// Interval at which heartbeats are sent to every subscriber.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// Longest time to wait for a subscriber before the hub reports that it is alive.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of queued subscribe requests.
const SUBSCRIBE_QUEUE: usize = 1000;

/// Maximum number of queued batches of events.
const EVENT_QUEUE: usize = 16;

/// Fan-out of events to subscribers.
pub struct BroadcastHub {
    requests: mpsc::Sender<SubscribeRequest>,
    queue: Mutex<mpsc::Receiver<SubscribeRequest>>,
    permits: Arc<Semaphore>,
    max_subscribers: usize,
    flush_interval: Duration,
}

/// Frames for one subscriber, in order.
///
/// They end when the subscriber is too slow, when the auction's events cannot be read any more, or at
/// shutdown. The subscriber can then subscribe again with the last version it received.
pub struct Subscriber {
    /// The first frame, unless the subscriber is up to date.
    pub initial: Option<SseFrame>,
    /// The frames after it.
    pub updates: broadcast::Receiver<SseFrame>,
    /// Counts the subscriber against the maximum until it is dropped.
    pub permit: OwnedSemaphorePermit,
}

/// Reasons a subscription is refused.
#[derive(Debug)]
pub enum SubscribeError {
    UnknownAuction,
    /// The maximum number of subscribers is reached.
    Full {
        limit: usize,
    },
    Unavailable(Unavailable),
}

struct SubscribeRequest {
    auction: AuctionId,
    /// The last version that the subscriber received.
    seen: Option<u64>,
    permit: OwnedSemaphorePermit,
    reply: oneshot::Sender<Result<Subscriber, SubscribeError>>,
}

impl BroadcastHub {
    /// Creates a hub. Subscriptions are answered only while [`BroadcastHub::run`] runs.
    ///
    /// The events of an auction within `flush_interval` are sent in one frame: ten thousand subscribers can
    /// receive ten frames per second, but not a hundred.
    pub fn new(max_subscribers: usize, flush_interval: Duration) -> BroadcastHub {
        let (requests, queue) = mpsc::channel(SUBSCRIBE_QUEUE);
        BroadcastHub {
            requests,
            queue: Mutex::new(queue),
            permits: Arc::new(Semaphore::new(max_subscribers)),
            max_subscribers,
            flush_interval,
        }
    }

    /// Reserves capacity for one subscriber, of an auction or of an inbox.
    pub fn acquire_permit(&self) -> Result<OwnedSemaphorePermit, SubscribeError> {
        let full = SubscribeError::Full { limit: self.max_subscribers };
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| full)
    }

    /// Subscribes to an auction. With `seen`, the frames start after that version.
    pub async fn subscribe(
        &self,
        auction: AuctionId,
        seen: Option<u64>,
    ) -> Result<Subscriber, SubscribeError> {
        let permit = self.acquire_permit()?;
        let (reply, response) = oneshot::channel();
        let stopping = || SubscribeError::Unavailable(Unavailable::new("ingress", "shutting down"));
        let request = SubscribeRequest { auction, seen, permit, reply };
        self.requests.send(request).await.map_err(|_| stopping())?;
        response.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Sends events to subscribers until shutdown. Reads no events while there is no subscriber.
    pub async fn run(
        &self,
        events: &dyn AuctionEventReader,
        tails: &impl EventTailConnector,
        supervisor: Supervisor,
    ) {
        let mut queue = self.queue.lock().await;
        while !supervisor.stopping() {
            supervisor.succeeded();
            let mut until = supervisor.stop();
            let first = tokio::select! {
                first = timeout(IDLE_INTERVAL, queue.recv()) => first,
                () = until.wait() => break,
            };
            let Ok(first) = first else { continue };
            let Some(first) = first else { break };
            let (sender, messages) = mpsc::channel(EVENT_QUEUE);
            let task = HubTask::new(events, self.flush_interval);
            tokio::select! {
                () = task.run(first, &mut queue, messages, supervisor.stop()) => {}
                () = read_tail(tails, sender, &supervisor) => {}
            }
        }
        // Later requests fail, and the client reconnects to another ingress.
        queue.close();
    }
}

/// Message from the reader of the event streams.
enum TailMessage {
    /// The tail was opened. Earlier events may have been missed.
    Opened,
    Events(Vec<EventRecord>),
}

/// Reads the event streams while there is a receiver. Retries forever while the backend is unavailable.
async fn read_tail(
    tails: &impl EventTailConnector,
    sender: mpsc::Sender<TailMessage>,
    supervisor: &Supervisor,
) {
    while !sender.is_closed() && !supervisor.stopping() {
        supervisor.attempt(read_until_error(tails, &sender, supervisor)).await;
    }
}

async fn read_until_error(
    tails: &impl EventTailConnector,
    sender: &mpsc::Sender<TailMessage>,
    supervisor: &Supervisor,
) -> Result<(), Unavailable> {
    let mut tail = tails.open().await?;
    if sender.send(TailMessage::Opened).await.is_err() {
        return Ok(());
    }
    loop {
        let events = tail.read().await?;
        supervisor.succeeded();
        if sender.send(TailMessage::Events(events)).await.is_err() {
            return Ok(());
        }
    }
}
