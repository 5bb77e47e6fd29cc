//! Reads read models over a pool of connections.
//!
//! Each read uses the current generation as last known, and reads the pointer to the current generation at
//! the end of the same round trip. If the pointer has changed, the read is repeated with the new generation.
//!
//! The checkpoint is read first, in the same round trip. The projector writes read models and checkpoint
//! atomically, so the values contain at least the events up to that checkpoint.

mod documents;
mod pages;

use super::write::read_pointer;
use crate::keys::{self, ViewKeys};
use crate::{PooledConnection, RedisPool, client_error};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::backend::Backend;
use auction_app::ports::views::generations::Generation;
use auction_app::ports::views::read_models::{
    AsOf, Document, Page, PageQuery, ReadModelReader, ViewForm, ViewName,
};
use auction_wire::{PartitionCount, PartitionId, Positions};
use documents::DocumentReader;
use redis::{FromRedisValue, Pipeline, Value, cmd, pipe};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Reader of the read models.
#[derive(Clone)]
pub struct RedisReadModelReader {
    source: Source,
    documents: DocumentReader,
}

/// Pool and known generations.
#[derive(Clone)]
struct Source {
    pool: RedisPool,
    partitions: PartitionCount,
    /// Current generation of each partition, as of the last read.
    current: Arc<[AtomicU64]>,
}

/// One read: the generations it uses, and its connection.
struct Reading<'a> {
    source: &'a Source,
    connection: PooledConnection,
    generations: Vec<(PartitionId, Generation)>,
}

impl RedisReadModelReader {
    /// Returns a reader over a pool. Starts the task that reads documents; the task ends when the last clone
    /// is dropped.
    pub fn new(pool: RedisPool, partitions: PartitionCount) -> RedisReadModelReader {
        let current = partitions.all().map(|_| AtomicU64::new(Generation::FIRST.0)).collect();
        let source = Source { pool, partitions, current };
        RedisReadModelReader { documents: DocumentReader::start(source.clone()), source }
    }
}

#[async_trait]
impl Backend for RedisReadModelReader {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        let mut connection = self.source.connection().await?;
        cmd("PING").query_async::<String>(&mut connection).await.map(drop).map_err(client_error)
    }
}

impl Source {
    async fn connection(&self) -> Result<PooledConnection, Unavailable> {
        self.pool.get().await
    }

    fn generation(&self, partition: PartitionId) -> Generation {
        let current = self.current.get(usize::from(partition.0));
        current.map_or(Generation::FIRST, |current| Generation(current.load(Ordering::Relaxed)))
    }

    async fn begin(&self, partitions: impl Iterator<Item = PartitionId>) -> Result<Reading<'_>, Unavailable> {
        let generations = partitions.map(|partition| (partition, self.generation(partition))).collect();
        Ok(Reading { source: self, connection: self.connection().await?, generations })
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

    /// Returns the beginning of the first pipeline of a read: the checkpoints.
    fn checkpoints(&self) -> Pipeline {
        let mut pipeline = pipe();
        for (partition, generation) in &self.generations {
            pipeline.cmd("GET").arg(ViewKeys::new(*partition, *generation).checkpoint());
        }
        pipeline
    }

    /// Decodes the replies to [`Reading::checkpoints`].
    fn positions(&self, replies: &mut Replies) -> Result<Positions, Unavailable> {
        let of = |(partition, _): &(PartitionId, Generation)| {
            Ok((*partition, replies.next::<Option<u64>>()?.unwrap_or_default()))
        };
        self.generations.iter().map(of).collect()
    }

    /// Runs the last pipeline of a read. Returns `None` if another generation is current by now.
    async fn finish(&mut self, mut pipeline: Pipeline) -> Result<Option<Vec<Value>>, Unavailable> {
        for (partition, _) in &self.generations {
            pipeline.cmd("GET").arg(keys::current_generation(*partition));
        }
        let mut replies: Vec<Value> = self.query(&pipeline).await?;
        let pointers = replies.split_off(replies.len().saturating_sub(self.generations.len()));
        let mut unchanged = true;
        for ((partition, generation), pointer) in self.generations.iter().zip(&pointers) {
            let now = read_pointer(pointer);
            unchanged &= now == *generation;
            if let Some(current) = self.source.current.get(usize::from(partition.0)) {
                current.store(now.0, Ordering::Relaxed);
            }
        }
        Ok(unchanged.then_some(replies))
    }
}

struct Replies(std::vec::IntoIter<Value>);

impl Replies {
    fn next<T: FromRedisValue>(&mut self) -> Result<T, Unavailable> {
        let reply = self.0.next().unwrap_or(Value::Nil);
        redis::from_redis_value(reply).map_err(client_error)
    }
}

#[async_trait]
impl ReadModelReader for RedisReadModelReader {
    async fn document(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<AsOf<Option<Document>>, Unavailable> {
        self.documents.read(partition, name).await
    }

    async fn page(&self, query: &PageQuery) -> Result<AsOf<Option<Page>>, Unavailable> {
        self.source.page(query).await
    }

    async fn contents(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<BTreeMap<String, Vec<u8>>, Unavailable> {
        match name.form {
            ViewForm::Entries => self.source.scan("HSCAN", partition, name).await,
            ViewForm::List => {
                // The scores mean nothing.
                let members = self.source.scan("ZSCAN", partition, name).await?;
                Ok(members.into_keys().map(|member| (member, Vec::new())).collect())
            }
            ViewForm::Document => {
                let found = self.document(partition, name).await?.value;
                Ok(found.map(|document| (String::new(), document.json)).into_iter().collect())
            }
        }
    }

    async fn checkpoints(&self, partitions: &[PartitionId]) -> Result<Positions, Unavailable> {
        loop {
            let mut reading = self.source.begin(partitions.iter().copied()).await?;
            let Some(replies) = reading.finish(reading.checkpoints()).await? else { continue };
            return reading.positions(&mut Replies(replies.into_iter()));
        }
    }
}
