//! The auctions that somebody listens to. Reading them from the store is done beside the telling: nobody is kept
//! waiting by somebody who begins to listen to another auction, or by a store that does not answer.

use super::topic::Topic;
use super::{HEARTBEAT, SubscribeError, SubscribeRequest, TailMessage};
use crate::ports::Unavailable;
use crate::ports::events::auction_event_reader::AuctionEventReader;
use crate::writer::aggregate_cache::LoadError;
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};
use worker_runtime::shutdown::ShutdownSignal;

/// So many auctions are read at a time: the store is there for the writers.
const READS: usize = 2;

/// How many events are read at a time.
const FETCH: usize = 5000;

/// The longest that reading an auction may take.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) struct HubTask<'a, E> {
    events: &'a E,
    gather: Duration,
    topics: HashMap<AuctionId, Topic>,
    /// Auctions to be read, behind that version.
    to_read: Vec<(AuctionId, u64)>,
}

/// What was read of an auction, and behind which version.
type Found = (AuctionId, u64, Result<Vec<EventRecord>, LoadError>);

impl<'a, E: AuctionEventReader> HubTask<'a, E> {
    pub(super) fn new(events: &'a E, gather: Duration) -> HubTask<'a, E> {
        HubTask { events, gather, topics: HashMap::new(), to_read: Vec::new() }
    }

    /// Until nobody listens any more, or it is time to stop.
    pub(super) async fn run(
        mut self,
        first: SubscribeRequest,
        asked: &mut mpsc::Receiver<SubscribeRequest>,
        mut told: mpsc::Receiver<TailMessage>,
        mut stop: ShutdownSignal,
    ) {
        let (events, reads) = (self.events, Semaphore::new(READS));
        let mut reading = FuturesUnordered::new();
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut gathered = interval(self.gather.max(Duration::from_millis(1)));
        gathered.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.subscribe(first);
        loop {
            let to_read = self.to_read.drain(..);
            reading.extend(to_read.map(|(auction, behind)| read(events, &reads, auction, behind)));
            tokio::select! {
                Some(asking) = asked.recv() => self.subscribe(asking),
                Some(brought) = told.recv() => match brought {
                    TailMessage::Events(events) => self.publish(events),
                    TailMessage::Opened => self.resync_all(),
                },
                Some(found) = reading.next() => self.apply_history(found),
                _ = gathered.tick() => self.tell_what_gathered(),
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
        // Whoever listens is told so by the end of what he hears.
    }

    fn subscribe(&mut self, asking: SubscribeRequest) {
        let auction = asking.auction;
        let topic = self.topics.entry(auction).or_insert_with(|| Topic::new(auction));
        match topic.try_subscribe(asking) {
            Ok(()) => {}
            // What the store has is read first.
            Err(asking) => {
                topic.waiting.push(asking);
                self.to_read.extend(topic.read());
            }
        }
    }

    fn publish(&mut self, events: Vec<EventRecord>) {
        for record in events {
            let auction = AuctionId(record.key);
            let Some(topic) = self.topics.get_mut(&auction) else { continue };
            match topic.is_next(&record) {
                Some(true) => {
                    if let Err(error) = topic.apply(&record) {
                        self.give_up(auction, error);
                    }
                }
                Some(false) => self.to_read.extend(topic.read()),
                None => {}
            }
        }
        // An auction in which little happens is not kept waiting.
        self.tell_what_gathered();
    }

    fn tell_what_gathered(&mut self) {
        self.topics.values_mut().for_each(|topic| topic.flush_if_due(self.gather));
    }

    /// Something may have been published that nobody brought.
    fn resync_all(&mut self) {
        self.to_read.extend(self.topics.values_mut().filter_map(Topic::read));
    }

    fn apply_history(&mut self, (auction, behind, found): Found) {
        let Some(topic) = self.topics.get_mut(&auction) else { return };
        if topic.version() < behind {
            return; // read for those who were sent away since
        }
        match found.and_then(|found| topic.learn(&found)) {
            Err(error) => self.give_up(auction, error),
            Ok(()) if topic.version() == 0 => self.close_topic(auction, || SubscribeError::UnknownAuction),
            Ok(()) => {
                for asking in std::mem::take(&mut topic.waiting) {
                    topic.add_subscriber(asking);
                }
                self.to_read.extend(topic.read_again());
            }
        }
    }

    fn give_up(&mut self, auction: AuctionId, error: LoadError) {
        tracing::warn!(%auction, %error, "its listeners are sent away, to come again");
        let error = error.to_string();
        self.close_topic(auction, || {
            SubscribeError::Unavailable(Unavailable::new("postgres", error.clone()))
        });
    }

    fn close_topic(&mut self, auction: AuctionId, why: impl Fn() -> SubscribeError) {
        if let Some(topic) = self.topics.remove(&auction) {
            // Whoever has gone meanwhile does not need to be told.
            topic.waiting.into_iter().for_each(|asking| drop(asking.answer.send(Err(why()))));
        }
    }
}

/// All that the store has of an auction behind a version.
async fn read(events: &impl AuctionEventReader, reads: &Semaphore, auction: AuctionId, behind: u64) -> Found {
    // It is never closed.
    let _turn = reads.acquire().await;
    let all = async {
        let mut all: Vec<EventRecord> = Vec::new();
        loop {
            let behind = all.last().map_or(behind, |last| last.version);
            let found = events.events_of(auction, behind, FETCH).await?;
            let is_all = found.len() < FETCH;
            all.extend(found);
            if is_all {
                return Ok::<_, LoadError>(all);
            }
        }
    };
    let late = |_| Unavailable::new("postgres", "an auction was not told in time").into();
    (auction, behind, timeout(DEADLINE, all).await.unwrap_or_else(|elapsed| Err(late(elapsed))))
}
