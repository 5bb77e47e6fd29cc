//! Reads of an auction from its events: at an earlier version, or the latest state while its view is
//! unavailable.
//!
//! The events are applied and rendered by the code of the projector, so that the bytes equal those of the
//! view.
//!
//! The cost grows with the number of events, and burdens the database that the writers need. The number of
//! concurrent reads and their duration are therefore limited; further requests must retry.

use crate::consume::stored_events::read_event;
use crate::ports::Unavailable;
use crate::ports::events::auction_event_reader::AuctionEventReader;
use crate::projector::AuctionProjection;
use crate::projector::views::{auction::view, json};
use auction_domain::AuctionId;
use auction_wire::Event;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Number of events read at a time.
const CHUNK: usize = 5000;

/// Time limit of one read.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit of waiting for a concurrent read to end.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads auctions from their events.
pub struct AuctionHistoryReader {
    events: Arc<dyn AuctionEventReader>,
    permits: Semaphore,
}

/// Result of reading an auction at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtVersion {
    /// The body of `GET /auction/{id}` at that version.
    Found(Vec<u8>),
    /// The auction has not reached the version.
    NotReached {
        current: u64,
    },
    UnknownAuction,
}

impl AuctionHistoryReader {
    pub fn new(events: Arc<dyn AuctionEventReader>, max_concurrent: NonZeroUsize) -> AuctionHistoryReader {
        AuctionHistoryReader { events, permits: Semaphore::new(max_concurrent.get()) }
    }

    /// Reads the auction at a version. Versions start at 1.
    pub async fn at_version(&self, auction: AuctionId, version: u64) -> Result<AtVersion, Unavailable> {
        let Some(projection) = self.replay(auction, version).await? else {
            return Ok(AtVersion::UnknownAuction);
        };
        let current = projection.auction.version();
        Ok(if current < version {
            AtVersion::NotReached { current }
        } else {
            AtVersion::Found(json(&view(auction, &projection)))
        })
    }

    /// Reads the latest state of the auction; none if there is no such auction.
    pub async fn latest(&self, auction: AuctionId) -> Result<Option<Vec<u8>>, Unavailable> {
        let projection = self.replay(auction, u64::MAX).await?;
        Ok(projection.map(|projection| json(&view(auction, &projection))))
    }

    async fn replay(&self, auction: AuctionId, until: u64) -> Result<Option<AuctionProjection>, Unavailable> {
        let late = |_| Unavailable::new("event store", "timeout while reading an auction from its events");
        let _permit = tokio::time::timeout(QUEUE_TIMEOUT, self.permits.acquire()).await.map_err(late)?;
        tokio::time::timeout(READ_TIMEOUT, self.read(auction, until)).await.map_err(late)?
    }

    async fn read(&self, auction: AuctionId, until: u64) -> Result<Option<AuctionProjection>, Unavailable> {
        let (mut projection, mut version) = (None, 0);
        while version < until {
            let limit = CHUNK.min(usize::try_from(until - version).unwrap_or(CHUNK));
            let events = self.events.events_of(auction, version, limit).await?;
            for record in &events {
                let event =
                    read_event(record).map_err(|error| Unavailable::new("event store", error.to_string()))?;
                if let Event::Auction(event) = event {
                    AuctionProjection::apply(&mut projection, &event, record.at);
                }
                version = record.version;
            }
            if events.len() < limit {
                break;
            }
        }
        Ok(projection)
    }
}
