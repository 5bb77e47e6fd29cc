//! Ready-made answers: written by the projector with its checkpoint, read by everybody.

use crate::{client_error, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::view_store::{
    Listed, ListedPage, ViewCommit, ViewStore, ViewStores, ViewWrite, Views,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::{PartitionCount, PartitionId};
use deadpool_redis::{Connection, Pool};
use redis::{Client, Cmd, FromRedisValue, Pipeline, Value, cmd, pipe};
use std::time::Duration;
use stream_worker::value::{number, ok};
use stream_worker::{DedicatedConnection, StreamError};

/// How long Redis may take to write a batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes connections for writing.
#[derive(Clone, Debug)]
pub struct RedisViewStores(Client);

impl RedisViewStores {
    /// On one Redis.
    pub fn new(client: Client) -> RedisViewStores {
        RedisViewStores(client)
    }
}

impl ViewStores for RedisViewStores {
    type Store = RedisViewStore;

    async fn open(&self, partition: PartitionId) -> Result<RedisViewStore, Unavailable> {
        let connection = DedicatedConnection::open(&self.0, DEADLINE).await.map_err(unavailable)?;
        Ok(RedisViewStore { connection, partition, watched: None })
    }
}

/// The views of one partition. `WATCH` belongs to its connection.
pub struct RedisViewStore {
    connection: DedicatedConnection,
    partition: PartitionId,
    /// The checkpoint when the watch on it was set.
    watched: Option<u64>,
}

impl RedisViewStore {
    /// Sends commands, then sets a watch on the checkpoint and reads it: the guard of the next
    /// transaction. One round trip.
    async fn guarded(&mut self, mut commands: Pipeline) -> Result<Vec<Value>, StreamError> {
        let key = keys::checkpoint(self.partition);
        self.watched = None;
        // A watch that was touched stays touched until it is taken back, also when it is set once more.
        commands.cmd("UNWATCH");
        commands.cmd("WATCH").arg(&key);
        commands.cmd("GET").arg(&key);
        let mut replies = self.connection.send(&commands).await?;
        let guards = replies.split_off(replies.len() - 3);
        ok(guards[1].clone())?;
        let checkpoint = number(&ok(guards[2].clone())?).unwrap_or_default();
        self.watched = Some(u64::try_from(checkpoint).unwrap_or_default());
        Ok(replies)
    }

    fn write(&self, commands: &mut Pipeline, write: &ViewWrite) {
        let partition = self.partition;
        match write {
            ViewWrite::User { user, json } => {
                commands.cmd("SET").arg(keys::user(partition, *user)).arg(json);
            }
            ViewWrite::Auction { auction, json } => {
                commands.cmd("SET").arg(keys::auction(partition, *auction)).arg(json);
            }
            ViewWrite::Listed { auction, ends_at, json } => {
                let member = keys::listed_member(*ends_at, *auction);
                commands.cmd("ZADD").arg(keys::listed(partition)).arg(0).arg(member);
                commands.cmd("HSET").arg(keys::items(partition)).arg(auction.to_string()).arg(json);
            }
            ViewWrite::Unlisted { auction, ends_at } => {
                let member = keys::listed_member(*ends_at, *auction);
                commands.cmd("ZREM").arg(keys::listed(partition)).arg(member);
                commands.cmd("HDEL").arg(keys::items(partition)).arg(auction.to_string());
            }
            ViewWrite::OwnBids { auction, user, json } => {
                let key = keys::own_bids(partition, *auction);
                commands.cmd("HSET").arg(key).arg(user.to_string()).arg(json);
            }
        }
    }

    async fn transaction(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ViewWrite],
    ) -> Result<ViewCommit, StreamError> {
        if self.watched.is_none() {
            self.guarded(pipe()).await?;
        }
        if self.watched != Some(from) {
            return Ok(ViewCommit::CheckpointMoved);
        }
        let mut commands = pipe();
        commands.cmd("MULTI");
        writes.iter().for_each(|write| self.write(&mut commands, write));
        commands.cmd("SET").arg(keys::checkpoint(self.partition)).arg(to);
        commands.cmd("EXEC");
        let executed = self.guarded(commands).await?.pop();
        match ok(executed.unwrap_or(Value::Nil))? {
            Value::Array(results) => {
                results.into_iter().try_for_each(|result| ok(result).map(drop))?;
                Ok(ViewCommit::Done)
            }
            _ => Ok(ViewCommit::CheckpointMoved),
        }
    }
}

impl ViewStore for RedisViewStore {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        self.guarded(pipe()).await.map_err(unavailable)?;
        Ok(self.watched.unwrap_or_default())
    }

    async fn commit(&mut self, from: u64, to: u64, writes: &[ViewWrite]) -> Result<ViewCommit, Unavailable> {
        self.transaction(from, to, writes).await.map_err(unavailable)
    }
}

/// Reads views from a pool of connections.
#[derive(Clone)]
pub struct RedisViews {
    pool: Pool,
    partitions: PartitionCount,
}

impl RedisViews {
    /// Over a pool.
    pub fn new(pool: Pool, partitions: PartitionCount) -> RedisViews {
        RedisViews { pool, partitions }
    }

    async fn connection(&self) -> Result<Connection, Unavailable> {
        self.pool.get().await.map_err(client_error)
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        command.query_async(&mut self.connection().await?).await.map_err(client_error)
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.query::<String>(&cmd("PING")).await.map(drop)
    }
}

impl Views for RedisViews {
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<Option<Vec<u8>>, Unavailable> {
        self.query(cmd("GET").arg(keys::user(partition, user))).await
    }

    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        self.query(cmd("GET").arg(keys::auction(partition, auction))).await
    }

    async fn own_bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        self.query(cmd("HGET").arg(keys::own_bids(partition, auction)).arg(user.to_string())).await
    }

    async fn listed(
        &self,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<ListedPage, Unavailable> {
        let from = match after {
            Some((ends_at, auction)) => format!("({}", keys::listed_member(ends_at, auction)),
            None => "-".to_owned(),
        };
        let mut connection = self.connection().await?;
        let mut ranges = pipe();
        for partition in self.partitions.all() {
            ranges
                .cmd("ZRANGEBYLEX")
                .arg(keys::listed(partition))
                .arg(&from)
                .arg("+")
                .arg("LIMIT")
                .arg(0)
                .arg(limit + 1);
        }
        let members: Vec<Vec<String>> = ranges.query_async(&mut connection).await.map_err(client_error)?;
        let mut places: Vec<(Timestamp, AuctionId)> =
            members.iter().flatten().filter_map(|member| keys::read_listed_member(member)).collect();
        places.sort_unstable();
        // One more than is asked for tells whether there is another page.
        let next = (places.len() > limit).then(|| places[limit - 1]);
        places.truncate(limit);
        if places.is_empty() {
            return Ok(ListedPage::default());
        }
        let mut lines = pipe();
        for (_, auction) in &places {
            lines.cmd("HGET").arg(keys::items(self.partitions.of(auction.0))).arg(auction.to_string());
        }
        let lines: Vec<Option<Vec<u8>>> = lines.query_async(&mut connection).await.map_err(client_error)?;
        let listed = places.into_iter().zip(lines);
        // One that was closed between the two reads has no line any more.
        let lines =
            listed.filter_map(|((ends_at, auction), json)| Some(Listed { ends_at, auction, json: json? }));
        Ok(ListedPage { lines: lines.collect(), next })
    }

    async fn checkpoint(&self, partition: PartitionId) -> Result<u64, Unavailable> {
        let checkpoint: Option<u64> = self.query(cmd("GET").arg(keys::checkpoint(partition))).await?;
        Ok(checkpoint.unwrap_or_default())
    }
}
