//! One auction that somebody listens to.

use super::show::{self, Shown};
use crate::ports::Unavailable;
use crate::ports::auction_events::AuctionEvents;
use crate::project::Board;
use crate::write::aggregates::{LoadError, read_event};
use auction_domain::AuctionId;
use auction_domain::auction::AuctionEvent;
use auction_wire::{Event, EventRecord};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout};

/// So many tellings may be on their way to a listener; who is further behind is too slow.
const BEHIND: usize = 64;

/// So many events are told to who was away; further back, one begins anew.
const RECENT: usize = 1024;

/// How many events are fetched at a time.
const FETCH: usize = 5000;

/// The longest that the store may take to tell them: the listeners of other auctions wait meanwhile.
const DEADLINE: Duration = Duration::from_secs(5);

/// The auction, what happened to it last, and its listeners.
pub(super) struct Topic {
    auction: AuctionId,
    /// None before its first event.
    board: Option<Board>,
    /// The newest events, up to the version of the board, without a hole.
    recent: VecDeque<Vec<u8>>,
    /// So many of them are not told yet.
    untold: usize,
    /// When something was told last.
    told_at: Option<Instant>,
    listeners: broadcast::Sender<Shown>,
}

impl Topic {
    /// Reads the auction from the store; none if there is none.
    pub(super) async fn open(
        events: &impl AuctionEvents,
        auction: AuctionId,
    ) -> Result<Option<Topic>, LoadError> {
        let (recent, listeners) = (VecDeque::with_capacity(RECENT), broadcast::Sender::new(BEHIND));
        let mut topic = Topic { auction, board: None, recent, untold: 0, told_at: None, listeners };
        topic.catch_up(events).await?;
        topic.untold = 0;
        Ok(topic.board.is_some().then_some(topic))
    }

    fn version(&self) -> u64 {
        self.board.as_ref().map_or(0, |board| board.auction.version())
    }

    /// Whether an event is the next one; none if it is known already.
    pub(super) fn is_next(&self, record: &EventRecord) -> Option<bool> {
        (record.version > self.version()).then_some(record.version == self.version() + 1)
    }

    /// The next event happened.
    pub(super) fn happened(&mut self, record: &EventRecord) -> Result<(), LoadError> {
        if self.untold >= RECENT {
            self.tell();
        }
        let Some(event) = self.fold(record)? else { return Ok(()) };
        let Some(board) = &self.board else { return Ok(()) };
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(show::event(self.auction, board, record, &event));
        self.untold += 1;
        Ok(())
    }

    fn fold(&mut self, record: &EventRecord) -> Result<Option<AuctionEvent>, LoadError> {
        let Event::Auction(event) = read_event(record)? else { return Ok(None) };
        Board::apply(&mut self.board, &event, record.at);
        Ok(Some(event))
    }

    /// Tells what happened, if nothing was told within that time.
    pub(super) fn tell_after(&mut self, gather: Duration) {
        if self.told_at.is_none_or(|at| at.elapsed() >= gather) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let Some(board) = self.board.as_ref().filter(|_| self.untold > 0) else { return };
        let untold = self.recent.range(self.recent.len() - self.untold..);
        // Nobody may be there; whoever comes finds it among what happened last.
        let _ = self.listeners.send(show::events(self.auction, board, untold));
        (self.untold, self.told_at) = (0, Some(Instant::now()));
    }

    /// Learns what the store has.
    pub(super) async fn catch_up(&mut self, events: &impl AuctionEvents) -> Result<(), LoadError> {
        loop {
            let found = timeout(DEADLINE, events.events_of(self.auction, self.version(), FETCH)).await;
            let found =
                found.map_err(|_| Unavailable::new("postgres", "an auction was not told in time"))??;
            let (long_ago, lately) = found.split_at(found.len().saturating_sub(RECENT));
            for record in long_ago {
                self.fold(record)?;
            }
            if !long_ago.is_empty() {
                // There is a hole behind what was told: whoever listens begins anew.
                self.recent.clear();
                self.untold = 0;
                self.listeners = broadcast::Sender::new(BEHIND);
            }
            for record in lately {
                self.happened(record)?;
            }
            if found.len() < FETCH {
                return Ok(());
            }
        }
    }

    /// Joins its listeners behind a version: what is told first, and then.
    pub(super) async fn join(
        &mut self,
        seen: Option<u64>,
        events: &impl AuctionEvents,
    ) -> Result<(Option<Shown>, broadcast::Receiver<Shown>), LoadError> {
        if seen.is_some_and(|seen| seen > self.version()) {
            // He is ahead of the stream.
            self.catch_up(events).await?;
        }
        // What the others are told next he knows already.
        self.tell();
        let then = self.listeners.subscribe();
        let Some(board) = &self.board else { return Ok((None, then)) };
        let first = match seen {
            None => Some(show::state(self.auction, board)),
            Some(seen) => match self.version().checked_sub(seen).and_then(|n| usize::try_from(n).ok()) {
                Some(0) => None,
                Some(missed) if missed <= self.recent.len() => {
                    let missed = self.recent.range(self.recent.len() - missed..);
                    Some(show::events(self.auction, board, missed))
                }
                _ => Some(show::reset(self.auction, board)),
            },
        };
        Ok((first, then))
    }

    /// Tells all that the connection is alive; whether there is anybody.
    pub(super) fn is_alive(&self) -> bool {
        self.listeners.send(show::heartbeat()).is_ok()
    }
}
