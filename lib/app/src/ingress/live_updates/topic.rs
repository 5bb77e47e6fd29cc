//! One auction that somebody listens to.

use super::sse::{self, SseFrame};
use super::{SubscribeRequest, Subscriber};
use crate::projector::AuctionProjection;
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::AuctionId;
use auction_domain::auction::AuctionEvent;
use auction_wire::{Event, EventRecord};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// So many tellings may be on their way to a listener; who is further behind is too slow.
const BEHIND: usize = 64;

/// So many events are told to who was away; further back, one begins anew.
const RECENT: usize = 1024;

/// The auction, what happened to it last, and its listeners.
pub(super) struct Topic {
    auction: AuctionId,
    /// None before its first event.
    board: Option<AuctionProjection>,
    /// The newest events, up to the version of the board, without a hole.
    recent: VecDeque<Vec<u8>>,
    /// So many of them are not told yet.
    unpublished: usize,
    /// When something was told last.
    last_flush: Option<Instant>,
    listeners: broadcast::Sender<SseFrame>,
    /// Who comes in when the store was read.
    pub(super) waiting: Vec<SubscribeRequest>,
    reading: bool,
    /// Since the reading began something may have been stored that it misses.
    reread: bool,
}

impl Topic {
    /// Nothing is known of it yet.
    pub(super) fn new(auction: AuctionId) -> Topic {
        Topic {
            auction,
            board: None,
            recent: VecDeque::new(),
            unpublished: 0,
            last_flush: None,
            listeners: broadcast::Sender::new(BEHIND),
            waiting: Vec::new(),
            reading: false,
            reread: false,
        }
    }

    /// How far it is known; zero if nothing is.
    pub(super) fn version(&self) -> u64 {
        self.board.as_ref().map_or(0, |board| board.auction.version())
    }

    /// It must be read from the store: behind which version, unless that is being done.
    pub(super) fn read(&mut self) -> Option<(AuctionId, u64)> {
        self.reread = self.reading;
        self.reading = true;
        (!self.reread).then(|| (self.auction, self.version()))
    }

    /// It was read. Whether it must be once more.
    pub(super) fn read_again(&mut self) -> Option<(AuctionId, u64)> {
        self.reading = false;
        if self.reread { self.read() } else { None }
    }

    /// Whether an event is the next one; none if it is known already.
    pub(super) fn is_next(&self, record: &EventRecord) -> Option<bool> {
        (record.version > self.version()).then_some(record.version == self.version() + 1)
    }

    /// The next event happened.
    pub(super) fn apply(&mut self, record: &EventRecord) -> Result<(), LoadError> {
        if self.unpublished >= RECENT {
            self.tell();
        }
        let Some(event) = self.fold(record)? else { return Ok(()) };
        let Some(board) = &self.board else { return Ok(()) };
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(sse::event(self.auction, board, record, &event));
        self.unpublished += 1;
        Ok(())
    }

    fn fold(&mut self, record: &EventRecord) -> Result<Option<AuctionEvent>, LoadError> {
        let Event::Auction(event) = read_event(record)? else { return Ok(None) };
        AuctionProjection::apply(&mut self.board, &event, record.at);
        Ok(Some(event))
    }

    /// Tells what happened, if nothing was told within that time.
    pub(super) fn flush_if_due(&mut self, gather: Duration) {
        if self.last_flush.is_none_or(|at| at.elapsed() >= gather) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let Some(board) = self.board.as_ref().filter(|_| self.unpublished > 0) else { return };
        let untold = self.recent.range(self.recent.len() - self.unpublished..);
        // Nobody may be there; whoever comes finds it among what happened last.
        let _ = self.listeners.send(sse::events(self.auction, board, untold));
        (self.unpublished, self.last_flush) = (0, Some(Instant::now()));
    }

    /// Learns what the store has.
    pub(super) fn learn(&mut self, found: &[EventRecord]) -> Result<(), LoadError> {
        // Some of it may have been brought meanwhile.
        let new = &found[found.partition_point(|record| record.version <= self.version())..];
        let is_new = self.board.is_none();
        let (long_ago, lately) = new.split_at(new.len().saturating_sub(RECENT));
        for record in long_ago {
            self.fold(record)?;
        }
        if !long_ago.is_empty() {
            // There is a hole behind what was told: whoever listens begins anew.
            self.recent.clear();
            self.unpublished = 0;
            self.listeners = broadcast::Sender::new(BEHIND);
        }
        for record in lately {
            self.apply(record)?;
        }
        if is_new {
            // Nobody listened.
            self.unpublished = 0;
        }
        Ok(())
    }

    /// Lets somebody join, unless the store must be read first: nothing is known yet, or he is ahead of the stream.
    pub(super) fn try_subscribe(&mut self, asking: SubscribeRequest) -> Result<(), SubscribeRequest> {
        if self.version() == 0 || asking.seen.is_some_and(|seen| seen > self.version()) {
            return Err(asking);
        }
        self.add_subscriber(asking);
        Ok(())
    }

    /// Joins its listeners, behind what he saw.
    pub(super) fn add_subscriber(&mut self, SubscribeRequest { seen, place, answer, .. }: SubscribeRequest) {
        // What the others are told next he knows already.
        self.tell();
        let then = self.listeners.subscribe();
        let first = self.board.as_ref().and_then(|board| self.first(board, seen));
        // If he has gone meanwhile, his place goes with him.
        let _ = answer.send(Ok(Subscriber { first, then, place }));
    }

    /// What somebody is told first.
    fn first(&self, board: &AuctionProjection, seen: Option<u64>) -> Option<SseFrame> {
        let Some(seen) = seen else { return Some(sse::state(self.auction, board)) };
        let missed = self.version().checked_sub(seen).and_then(|missed| usize::try_from(missed).ok());
        match missed {
            Some(0) => None,
            Some(missed) if missed <= self.recent.len() => {
                let missed = self.recent.range(self.recent.len() - missed..);
                Some(sse::events(self.auction, board, missed))
            }
            _ => Some(sse::reset(self.auction, board)),
        }
    }

    /// Tells all that the connection is alive; whether there is anybody.
    pub(super) fn send_heartbeat(&self) -> bool {
        self.listeners.send(sse::heartbeat()).is_ok() || !self.waiting.is_empty()
    }
}
