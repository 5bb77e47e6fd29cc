//! The task of the broadcast hub: it keeps one topic for each auction that has subscribers.
//!
//! Reads from the event store run concurrently with the publishing: neither a new subscriber of another
//! auction nor a slow store delays the events of an auction.

use super::topic::Topic;
use super::{HEARTBEAT, SubscribeError, SubscribeRequest, TailMessage};
use crate::consume::stored_events::LoadError;
use crate::ports::Unavailable;
use crate::ports::events::auction_event_reader::AuctionEventReader;
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};
use worker_runtime::shutdown::ShutdownSignal;

/// Maximum number of concurrent reads, to leave the capacity of the store to the writers.
const MAX_READS: usize = 2;

/// Number of events read at a time.
const FETCH: usize = 5000;

/// Time limit for reading one auction.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct HubTask<'a> {
    events: &'a dyn AuctionEventReader,
    flush_interval: Duration,
    topics: HashMap<AuctionId, Topic>,
    /// Auctions to read from the store, each with the version to read after.
    to_read: Vec<(AuctionId, u64)>,
}

/// Auction, the version it was read after, and the events.
type ReadResult = (AuctionId, u64, Result<Vec<EventRecord>, LoadError>);

impl<'a> HubTask<'a> {
    pub(super) fn new(events: &'a dyn AuctionEventReader, flush_interval: Duration) -> HubTask<'a> {
        HubTask { events, flush_interval, topics: HashMap::new(), to_read: Vec::new() }
    }

    /// Runs until there is no subscriber, or until shutdown.
    pub(super) async fn run(
        mut self,
        first: SubscribeRequest,
        requests: &mut mpsc::Receiver<SubscribeRequest>,
        mut messages: mpsc::Receiver<TailMessage>,
        mut stop: ShutdownSignal,
    ) {
        let (events, reads) = (self.events, Semaphore::new(MAX_READS));
        let mut reading = FuturesUnordered::new();
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut flush = interval(self.flush_interval.max(Duration::from_millis(1)));
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.subscribe(first);
        loop {
            let to_read = self.to_read.drain(..);
            reading.extend(to_read.map(|(auction, after)| read(events, &reads, auction, after)));
            tokio::select! {
                Some(request) = requests.recv() => self.subscribe(request),
                Some(message) = messages.recv() => match message {
                    TailMessage::Events(events) => self.publish(events),
                    TailMessage::Opened => self.resync_all(),
                },
                Some(found) = reading.next() => self.apply_history(found),
                _ = flush.tick() => self.flush_due(),
                _ = heartbeat.tick() => {
                    self.topics.retain(|_, topic| topic.send_heartbeat());
                    if self.topics.is_empty() {
                        break;
                    }
                }
                () = stop.wait() => break,
                else => break,
            }
        }
        // Dropping the topics ends the frames of all subscribers.
    }

    fn subscribe(&mut self, request: SubscribeRequest) {
        let auction = request.auction;
        let topic = self.topics.entry(auction).or_insert_with(|| Topic::new(auction));
        if let Err(request) = topic.try_subscribe(request) {
            topic.waiting.push(request);
            self.to_read.extend(topic.start_read());
        }
    }

    fn publish(&mut self, events: Vec<EventRecord>) {
        for record in events {
            let auction = AuctionId(record.key);
            let Some(topic) = self.topics.get_mut(&auction) else { continue };
            match topic.is_next(&record) {
                Some(true) => {
                    if let Err(error) = topic.apply(&record) {
                        self.fail_topic(auction, error);
                    }
                }
                Some(false) => self.to_read.extend(topic.start_read()),
                None => {}
            }
        }
        // Flushes at once the topics without a recent flush, so that quiet auctions are not delayed.
        self.flush_due();
    }

    fn flush_due(&mut self) {
        self.topics.values_mut().for_each(|topic| topic.flush_if_due(self.flush_interval));
    }

    /// Reads all topics from the store, because published events may have been missed.
    fn resync_all(&mut self) {
        self.to_read.extend(self.topics.values_mut().filter_map(Topic::start_read));
    }

    fn apply_history(&mut self, (auction, after, found): ReadResult) {
        let Some(topic) = self.topics.get_mut(&auction) else { return };
        if topic.version() < after {
            return; // The read was started for an earlier topic of this auction, which has been closed.
        }
        match found.and_then(|found| topic.apply_history(&found)) {
            Err(error) => self.fail_topic(auction, error),
            Ok(()) if topic.version() == 0 => self.close_topic(auction, || SubscribeError::UnknownAuction),
            Ok(()) => {
                for request in std::mem::take(&mut topic.waiting) {
                    topic.add_subscriber(request);
                }
                self.to_read.extend(topic.finish_read());
            }
        }
    }

    fn fail_topic(&mut self, auction: AuctionId, error: LoadError) {
        tracing::warn!(%auction, %error, "live updates of an auction failed, disconnecting its subscribers");
        let error = error.to_string();
        self.close_topic(auction, || {
            SubscribeError::Unavailable(Unavailable::new("event store", error.clone()))
        });
    }

    fn close_topic(&mut self, auction: AuctionId, error: impl Fn() -> SubscribeError) {
        if let Some(topic) = self.topics.remove(&auction) {
            // The send fails if the request has ended meanwhile.
            topic.waiting.into_iter().for_each(|request| drop(request.reply.send(Err(error()))));
        }
    }
}

/// Reads all events of an auction after a version from the store.
async fn read(
    events: &dyn AuctionEventReader,
    reads: &Semaphore,
    auction: AuctionId,
    after: u64,
) -> ReadResult {
    // The semaphore is never closed.
    let _permit = reads.acquire().await;
    let all = async {
        let mut all: Vec<EventRecord> = Vec::new();
        loop {
            let after = all.last().map_or(after, |last| last.version);
            let found = events.events_of(auction, after, FETCH).await?;
            let is_last = found.len() < FETCH;
            all.extend(found);
            if is_last {
                return Ok::<_, LoadError>(all);
            }
        }
    };
    let late = |_| Unavailable::new("event store", "timeout while reading an auction").into();
    (auction, after, timeout(READ_TIMEOUT, all).await.unwrap_or_else(|elapsed| Err(late(elapsed))))
}
