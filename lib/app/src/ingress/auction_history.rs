//! An auction as the store tells it (ingress): as it was at a version, or as it is when its view cannot be read.
//! Folded and rendered by what makes the views, so the bytes are those that the view had or would have.
//!
//! It costs as much as the auction has events, of the database that the writers need. So only a few are told at a
//! time, for so long; the others are asked to come again.

use crate::ports::Unavailable;
use crate::ports::events::auction_event_reader::AuctionEventReader;
use crate::projector::{AuctionProjection, auction_view, json};
use crate::writer::aggregate_cache::read_event;
use auction_domain::AuctionId;
use auction_wire::Event;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::sync::Semaphore;

/// So many events are read at a time.
const CHUNK: usize = 5000;

/// The longest that one may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// The longest wait for one's turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells auctions from their events.
pub struct AuctionHistoryReader<E> {
    events: E,
    turns: Semaphore,
}

/// What there is to tell of an auction at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtVersion {
    /// The body of `GET /auction/{id}` as of then.
    Shown(Vec<u8>),
    /// It is not that far.
    NotYet {
        /// The version that it is at.
        current: u64,
    },
    /// There is no such auction.
    Unknown,
}

impl<E: AuctionEventReader> AuctionHistoryReader<E> {
    /// So many at a time.
    pub fn new(events: E, at_a_time: NonZeroUsize) -> AuctionHistoryReader<E> {
        AuctionHistoryReader { events, turns: Semaphore::new(at_a_time.get()) }
    }

    /// The auction as it was at a version, from 1.
    pub async fn at_version(&self, auction: AuctionId, version: u64) -> Result<AtVersion, Unavailable> {
        let Some(board) = self.board(auction, version).await? else { return Ok(AtVersion::Unknown) };
        let current = board.auction.version();
        Ok(if current < version {
            AtVersion::NotYet { current }
        } else {
            AtVersion::Shown(json(&auction_view(auction, &board)))
        })
    }

    /// The auction as it is; none if there is none.
    pub async fn latest(&self, auction: AuctionId) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.board(auction, u64::MAX).await?.map(|board| json(&auction_view(auction, &board))))
    }

    async fn board(&self, auction: AuctionId, until: u64) -> Result<Option<AuctionProjection>, Unavailable> {
        let late = |_| Unavailable::new("postgres", "an auction could not be told from its events in time");
        let _turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await.map_err(late)?;
        tokio::time::timeout(DEADLINE, self.fold(auction, until)).await.map_err(late)?
    }

    async fn fold(&self, auction: AuctionId, until: u64) -> Result<Option<AuctionProjection>, Unavailable> {
        let (mut board, mut version) = (None, 0);
        while version < until {
            let most = CHUNK.min(usize::try_from(until - version).unwrap_or(CHUNK));
            let events = self.events.events_of(auction, version, most).await?;
            for record in &events {
                let event =
                    read_event(record).map_err(|error| Unavailable::new("postgres", error.to_string()))?;
                if let Event::Auction(event) = event {
                    AuctionProjection::apply(&mut board, &event, record.at);
                }
                version = record.version;
            }
            if events.len() < most {
                break;
            }
        }
        Ok(board)
    }
}
