//! Reading views from a pool of connections.
//!
//! Whoever asks for an auction while one round trip is on its way is gathered into the next, with all others.
//!
//! Which generation is live is remembered, and looked at again with every read, behind it and in the same
//! round trip: if it still is the one that was read, so it was then. Otherwise everything is read again.
//!
//! The checkpoint is read first, in the same round trip. A projector writes views and checkpoint in one step, so
//! what is read behind a checkpoint shows at least what is up to it.

mod auctions;
mod bids;
mod lists;

use super::write::read_pointer;
use crate::client_error;
use crate::keys::{self, ViewKeys};
use auction_app::ports::Unavailable;
use auction_app::ports::views::generations::Generation;
use auction_app::ports::views::read_models::{
    AsOf, AuctionDocument, AuctionPage, BidPage, BidderAuctionPage, ReadModelReader,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{PartitionCount, PartitionId, Positions};
use auctions::AuctionReader;
use deadpool_redis::{Connection, Pool};
use redis::{FromRedisValue, Pipeline, Value, cmd, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads views.
#[derive(Clone)]
pub struct RedisViews {
    source: Source,
    auctions: AuctionReader,
}

/// Where they are read.
#[derive(Clone)]
struct Source {
    pool: Pool,
    partitions: PartitionCount,
    /// The generation of each partition that was live when last looked at.
    live: Arc<[AtomicU64]>,
}

/// The keys of the generations that one answer is made from.
struct Reading<'a> {
    source: &'a Source,
    connection: Connection,
    generations: Vec<(PartitionId, Generation)>,
}

impl RedisViews {
    /// Over a pool. Starts the task that reads auctions; it ends when the last clone is dropped.
    pub fn new(pool: Pool, partitions: PartitionCount) -> RedisViews {
        let live = partitions.all().map(|_| AtomicU64::new(Generation::FIRST.0)).collect();
        let source = Source { pool, partitions, live };
        RedisViews { auctions: AuctionReader::start(source.clone()), source }
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        let mut connection = self.source.connection().await?;
        cmd("PING").query_async::<String>(&mut connection).await.map(drop).map_err(client_error)
    }
}

impl Source {
    async fn connection(&self) -> Result<Connection, Unavailable> {
        self.pool.get().await.map_err(client_error)
    }

    fn generation(&self, partition: PartitionId) -> Generation {
        let live = self.live.get(usize::from(partition.0));
        live.map_or(Generation::FIRST, |live| Generation(live.load(Ordering::Relaxed)))
    }

    async fn reading(
        &self,
        partitions: impl Iterator<Item = PartitionId>,
    ) -> Result<Reading<'_>, Unavailable> {
        let generations = partitions.map(|partition| (partition, self.generation(partition))).collect();
        Ok(Reading { source: self, connection: self.connection().await?, generations })
    }

    /// Reads from one partition, until what was read is of the live generation.
    async fn live(
        &self,
        partition: PartitionId,
        commands: impl Fn(&ViewKeys, &mut Pipeline),
    ) -> Result<AsOf<Replies>, Unavailable> {
        loop {
            let mut reading = self.reading(std::iter::once(partition)).await?;
            let mut pipeline = reading.checkpoints();
            commands(&reading.keys(partition), &mut pipeline);
            if let Some(replies) = reading.last(pipeline).await? {
                let mut shown = Replies(replies.into_iter());
                return Ok(AsOf { positions: reading.positions(&mut shown)?, shown });
            }
        }
    }
}

impl Reading<'_> {
    fn keys(&self, partition: PartitionId) -> ViewKeys {
        let found = self.generations.iter().find(|(of, _)| *of == partition);
        ViewKeys::new(partition, found.map_or(Generation::FIRST, |(_, generation)| *generation))
    }

    async fn query<T: FromRedisValue>(&mut self, pipeline: &Pipeline) -> Result<T, Unavailable> {
        pipeline.query_async(&mut self.connection).await.map_err(client_error)
    }

    /// The beginning of the first read of an answer: how fresh it is.
    fn checkpoints(&self) -> Pipeline {
        let mut first = pipe();
        for (partition, generation) in &self.generations {
            first.cmd("GET").arg(ViewKeys::new(*partition, *generation).checkpoint());
        }
        first
    }

    /// Reads what was asked by [`Reading::checkpoints`].
    fn positions(&self, replies: &mut Replies) -> Result<Positions, Unavailable> {
        let of = |(partition, _): &(PartitionId, Generation)| {
            Ok((*partition, replies.next::<Option<u64>>()?.unwrap_or_default()))
        };
        self.generations.iter().map(of).collect()
    }

    /// The last read of an answer. None if another generation is live by now.
    async fn last(&mut self, mut pipeline: Pipeline) -> Result<Option<Vec<Value>>, Unavailable> {
        for (partition, _) in &self.generations {
            pipeline.cmd("GET").arg(keys::live_views(*partition));
        }
        let mut replies: Vec<Value> = self.query(&pipeline).await?;
        let pointers = replies.split_off(replies.len().saturating_sub(self.generations.len()));
        let mut as_before = true;
        for ((partition, generation), pointer) in self.generations.iter().zip(&pointers) {
            let now = read_pointer(pointer);
            as_before &= now == *generation;
            if let Some(live) = self.source.live.get(usize::from(partition.0)) {
                live.store(now.0, Ordering::Relaxed);
            }
        }
        Ok(as_before.then_some(replies))
    }
}

/// The replies, one after the other.
struct Replies(std::vec::IntoIter<Value>);

impl Replies {
    fn next<T: FromRedisValue>(&mut self) -> Result<T, Unavailable> {
        let reply = self.0.next().unwrap_or(Value::Nil);
        redis::from_redis_value(reply).map_err(client_error)
    }

    fn rest<T: FromRedisValue>(self) -> Result<Vec<T>, Unavailable> {
        self.0.map(|reply| redis::from_redis_value(reply).map_err(client_error)).collect()
    }
}

impl ReadModelReader for RedisViews {
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<AsOf<Option<Vec<u8>>>, Unavailable> {
        let replies = self.source.live(partition, |keys, pipe| {
            pipe.cmd("GET").arg(keys.user(user));
        });
        let AsOf { positions, mut shown } = replies.await?;
        Ok(AsOf { positions, shown: shown.next()? })
    }

    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<AsOf<Option<AuctionDocument>>, Unavailable> {
        self.auctions.read(partition, auction).await
    }

    async fn bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        self.source.page_of_bids(partition, auction, before, limit).await
    }

    async fn bids_of(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        self.source.page_of_own_bids(partition, auction, user, before, limit).await
    }

    async fn listed(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<AsOf<AuctionPage>, Unavailable> {
        self.source.page_of_auctions(status, after, limit).await
    }

    async fn bidder(
        &self,
        user: UserId,
        before: Option<AuctionId>,
        limit: usize,
    ) -> Result<AsOf<BidderAuctionPage>, Unavailable> {
        self.source.page_of_bidder(user, before, limit).await
    }

    async fn checkpoints(&self, partitions: &[PartitionId]) -> Result<Positions, Unavailable> {
        loop {
            let mut reading = self.source.reading(partitions.iter().copied()).await?;
            let Some(replies) = reading.last(reading.checkpoints()).await? else { continue };
            return reading.positions(&mut Replies(replies.into_iter()));
        }
    }
}
