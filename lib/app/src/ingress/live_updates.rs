//! Looking on while an auction goes on (ingress).
//!
//! However many listen, one task reads what is published, folds it into the auctions that somebody listens to, and
//! writes each event down once, as all its listeners get it. A listener is told every event of his auction in order,
//! by the auction's version: what a stream has lost is fetched from the store, and who was away goes on behind the
//! last version that he saw. Nobody is waited for: who is too slow is cut off, and may come again.

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
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// How often everybody is told that the connection is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// So many begin to listen at a time.
const ASKING: usize = 1000;

/// So many batches of events wait to be told.
const BATCHES: usize = 16;

/// Where listeners come to.
pub struct BroadcastHub {
    ask: mpsc::Sender<SubscribeRequest>,
    asked: Mutex<mpsc::Receiver<SubscribeRequest>>,
    places: Arc<Semaphore>,
    at_most: usize,
    gather: Duration,
}

/// What a listener gets, in order. It ends when he is too slow, when his auction cannot be followed any more, or
/// when the process stops: then he may come again, and says what he saw last.
pub struct Subscriber {
    /// What he is told first, if anything.
    pub first: Option<SseFrame>,
    /// What comes then.
    pub then: broadcast::Receiver<SseFrame>,
    /// His place; somebody else's when this is dropped.
    pub place: OwnedSemaphorePermit,
}

/// Why somebody cannot listen.
#[derive(Debug)]
pub enum SubscribeError {
    /// There is no such auction.
    UnknownAuction,
    /// There are too many listeners.
    Full {
        /// So many may listen.
        at_most: usize,
    },
    /// A server is away.
    Unavailable(Unavailable),
}

struct SubscribeRequest {
    auction: AuctionId,
    /// The last version that he saw.
    seen: Option<u64>,
    place: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<Subscriber, SubscribeError>>,
}

impl BroadcastHub {
    /// For at most so many listeners. What happens to an auction within `gather` is told in one go: ten thousand
    /// listeners can be told ten times a second, and not a hundred times. Nobody gets an answer unless [`Live::run`] runs.
    pub fn new(at_most: usize, gather: Duration) -> BroadcastHub {
        let (ask, asked) = mpsc::channel(ASKING);
        BroadcastHub {
            ask,
            asked: Mutex::new(asked),
            places: Arc::new(Semaphore::new(at_most)),
            at_most,
            gather,
        }
    }

    /// A place for a listener, whatever he listens to.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, SubscribeError> {
        let full = SubscribeError::Full { at_most: self.at_most };
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| full)
    }

    /// Begins to listen to an auction, behind the version that was seen last.
    pub async fn listen(&self, auction: AuctionId, seen: Option<u64>) -> Result<Subscriber, SubscribeError> {
        let place = self.place()?;
        let (answer, answered) = oneshot::channel();
        let gone = || SubscribeError::Unavailable(Unavailable::new("ingress", "it is about to stop"));
        self.ask.send(SubscribeRequest { auction, seen, place, answer }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Tells everybody until it is time to stop. While nobody listens nothing is read.
    pub async fn run(
        &self,
        events: &impl AuctionEventReader,
        tails: &impl EventTailConnector,
        health: &HealthHandle,
        stop: ShutdownSignal,
    ) {
        let mut asked = self.asked.lock().await;
        while !stop.requested() {
            health.set_up();
            let mut until = stop.clone();
            let first = tokio::select! {
                first = asked.recv() => first,
                () = until.wait() => None,
            };
            let Some(first) = first else { break };
            let (tell, told) = mpsc::channel(BATCHES);
            tokio::select! {
                () = HubTask::new(events, self.gather).run(first, &mut asked, told, stop.clone()) => {}
                () = read(tails, tell, health) => {}
            }
        }
        // Whoever comes now is told to come again elsewhere.
        asked.close();
    }
}

/// What the tail brings.
enum TailMessage {
    /// The tail was opened: before that, something may have been missed.
    Opened,
    /// In order.
    Events(Vec<EventRecord>),
}

/// Reads as long as somebody wants it; a server that is away is waited for.
async fn read(tails: &impl EventTailConnector, tell: mpsc::Sender<TailMessage>, health: &HealthHandle) {
    let mut retry = Retry::default();
    while !tell.is_closed() {
        let Err(error) = read_on(tails, &tell, health, &mut retry).await else { return };
        let wait = retry.next_wait();
        health.set_waiting(&error, retry.attempts());
        tracing::warn!(%error, ?wait, "listeners wait for the event streams");
        tokio::time::sleep(wait).await;
    }
}

async fn read_on(
    tails: &impl EventTailConnector,
    tell: &mpsc::Sender<TailMessage>,
    health: &HealthHandle,
    retry: &mut Retry,
) -> Result<(), Unavailable> {
    let mut tail = tails.open().await?;
    if tell.send(TailMessage::Opened).await.is_err() {
        return Ok(());
    }
    loop {
        let events = tail.read().await?;
        retry.succeeded();
        health.set_up();
        if tell.send(TailMessage::Events(events)).await.is_err() {
            return Ok(());
        }
    }
}
