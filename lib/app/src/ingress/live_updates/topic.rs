//! One auction that has subscribers.

use super::sse::{self, SseFrame};
use super::{SubscribeRequest, Subscriber};
use crate::consume::stored_events::{LoadError, read_event};
use crate::projector::AuctionProjection;
use auction_domain::AuctionId;
use auction_domain::auction::AuctionEvent;
use auction_wire::{Event, EventRecord};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// Maximum number of frames queued for a subscriber. A subscriber that lags further is disconnected.
const MAX_QUEUED: usize = 64;

/// Number of recent events kept for reconnecting subscribers. A subscriber that missed more receives the
/// whole state.
const MAX_RECENT: usize = 1024;

/// State of the auction, its recent events and its subscribers.
pub(super) struct Topic {
    auction: AuctionId,
    /// None before the first event.
    projection: Option<AuctionProjection>,
    /// The newest events, gap-free up to the current version.
    recent: VecDeque<Vec<u8>>,
    /// Number of recent events that are not sent yet.
    unpublished: usize,
    last_flush: Option<Instant>,
    subscribers: broadcast::Sender<SseFrame>,
    /// Requests that wait until the auction was read from the store.
    pub(super) waiting: Vec<SubscribeRequest>,
    reading: bool,
    /// The current read may miss events: read again after it.
    reread: bool,
}

impl Topic {
    pub(super) fn new(auction: AuctionId) -> Topic {
        Topic {
            auction,
            projection: None,
            recent: VecDeque::new(),
            unpublished: 0,
            last_flush: None,
            subscribers: broadcast::Sender::new(MAX_QUEUED),
            waiting: Vec::new(),
            reading: false,
            reread: false,
        }
    }

    /// Returns the current version; zero if nothing is known yet.
    pub(super) fn version(&self) -> u64 {
        self.projection.as_ref().map_or(0, |projection| projection.auction.version())
    }

    /// Starts a read from the store. Returns the version to read after, unless a read is running.
    pub(super) fn start_read(&mut self) -> Option<(AuctionId, u64)> {
        self.reread = self.reading;
        self.reading = true;
        (!self.reread).then(|| (self.auction, self.version()))
    }

    /// Ends a read from the store. Returns the version to read after if another read is needed.
    pub(super) fn finish_read(&mut self) -> Option<(AuctionId, u64)> {
        self.reading = false;
        if self.reread { self.start_read() } else { None }
    }

    /// Returns whether an event has the next version; none if it was applied before.
    pub(super) fn is_next(&self, record: &EventRecord) -> Option<bool> {
        (record.version > self.version()).then_some(record.version == self.version() + 1)
    }

    /// Applies the next event. It is sent with the next flush.
    pub(super) fn apply(&mut self, record: &EventRecord) -> Result<(), LoadError> {
        if self.unpublished >= MAX_RECENT {
            self.flush();
        }
        let Some(event) = self.fold(record)? else { return Ok(()) };
        let Some(projection) = &self.projection else { return Ok(()) };
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(sse::event(self.auction, projection, record, &event));
        self.unpublished += 1;
        Ok(())
    }

    fn fold(&mut self, record: &EventRecord) -> Result<Option<AuctionEvent>, LoadError> {
        let Event::Auction(event) = read_event(record)? else { return Ok(None) };
        AuctionProjection::apply(&mut self.projection, &event, record.at);
        Ok(Some(event))
    }

    /// Sends the unpublished events, unless the last flush was within `interval`.
    pub(super) fn flush_if_due(&mut self, interval: Duration) {
        if self.last_flush.is_none_or(|at| at.elapsed() >= interval) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let Some(projection) = self.projection.as_ref().filter(|_| self.unpublished > 0) else { return };
        let unpublished = self.recent.range(self.recent.len() - self.unpublished..);
        // The send fails without subscribers. A later subscriber finds the events among the recent ones.
        let _ = self.subscribers.send(sse::events(self.auction, projection, unpublished));
        (self.unpublished, self.last_flush) = (0, Some(Instant::now()));
    }

    /// Applies events that were read from the store.
    pub(super) fn apply_history(&mut self, found: &[EventRecord]) -> Result<(), LoadError> {
        // Some of the events may have been applied from the stream meanwhile.
        let new = &found[found.partition_point(|record| record.version <= self.version())..];
        let is_new = self.projection.is_none();
        let (old, recent) = new.split_at(new.len().saturating_sub(MAX_RECENT));
        for record in old {
            self.fold(record)?;
        }
        if !old.is_empty() {
            // Subscribers would miss the old events: disconnect them, so that they reconnect and receive the
            // whole state.
            self.recent.clear();
            self.unpublished = 0;
            self.subscribers = broadcast::Sender::new(MAX_QUEUED);
        }
        for record in recent {
            self.apply(record)?;
        }
        if is_new {
            // There were no subscribers to send the events to.
            self.unpublished = 0;
        }
        Ok(())
    }

    /// Adds a subscriber. Returns the request if the store must be read first, because nothing is known yet
    /// or the subscriber has seen a later version.
    pub(super) fn try_subscribe(&mut self, request: SubscribeRequest) -> Result<(), SubscribeRequest> {
        if self.version() == 0 || request.seen.is_some_and(|seen| seen > self.version()) {
            return Err(request);
        }
        self.add_subscriber(request);
        Ok(())
    }

    /// Adds a subscriber, whose frames start after the version it has seen.
    pub(super) fn add_subscriber(&mut self, SubscribeRequest { seen, permit, reply, .. }: SubscribeRequest) {
        // Flush first: the initial frame already contains the unpublished events.
        self.flush();
        let updates = self.subscribers.subscribe();
        let initial = self.projection.as_ref().and_then(|projection| self.initial(projection, seen));
        // If the request has ended meanwhile, the permit is dropped with it.
        let _ = reply.send(Ok(Subscriber { initial, updates, permit }));
    }

    /// Returns the initial frame; none if the subscriber is up to date.
    fn initial(&self, projection: &AuctionProjection, seen: Option<u64>) -> Option<SseFrame> {
        let Some(seen) = seen else { return Some(sse::state(self.auction, projection)) };
        let missed = self.version().checked_sub(seen).and_then(|missed| usize::try_from(missed).ok());
        match missed {
            Some(0) => None,
            Some(missed) if missed <= self.recent.len() => {
                let missed = self.recent.range(self.recent.len() - missed..);
                Some(sse::events(self.auction, projection, missed))
            }
            _ => Some(sse::reset(self.auction, projection)),
        }
    }

    /// Sends a heartbeat to all subscribers. Returns whether the topic is in use.
    pub(super) fn send_heartbeat(&self) -> bool {
        self.subscribers.send(sse::heartbeat()).is_ok() || !self.waiting.is_empty()
    }
}
