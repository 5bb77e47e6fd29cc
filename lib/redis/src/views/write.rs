//! Writing views with their checkpoint.

use super::entry;
use crate::keys::{self, ViewKeys};
use crate::{RedisServer, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::views::generations::Generation;
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelWrite, ReadModelWriter,
};
use auction_wire::PartitionId;
use redis::{Cmd, Pipeline, ToRedisArgs, Value, cmd, pipe};
use std::collections::HashMap;
use std::time::Duration;
use stream_worker::value::{number, ok};
use stream_worker::{DedicatedConnection, StreamError};

/// How long Redis may take to write a batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes connections for writing.
#[derive(Clone, Debug)]
pub struct RedisViewStores {
    server: RedisServer,
    /// A certain one; else the one that is live.
    generation: Option<Generation>,
}

impl RedisViewStores {
    /// To the live views on one Redis.
    pub fn new(server: impl Into<RedisServer>) -> RedisViewStores {
        RedisViewStores { server: server.into(), generation: None }
    }

    /// To a generation, live or not.
    pub(super) fn of(server: RedisServer, generation: Generation) -> RedisViewStores {
        RedisViewStores { server, generation: Some(generation) }
    }
}

impl ReadModelConnector for RedisViewStores {
    type Store = RedisViewStore;

    async fn open(&self, partition: PartitionId) -> Result<RedisViewStore, Unavailable> {
        let mut connection = self.server.connect(DEADLINE).await?;
        let live = keys::live_views(partition);
        let pointer = connection.send_one(cmd("GET").arg(&live)).await.map_err(unavailable)?;
        let live = Live { key: live, generation: read_pointer(&pointer) };
        let generation = self.generation.unwrap_or(live.generation);
        let live = self.generation.is_none().then_some(live);
        Ok(RedisViewStore { connection, keys: ViewKeys::new(partition, generation), live, watched: None })
    }
}

/// Which generation a pointer names.
pub(super) fn read_pointer(pointer: &Value) -> Generation {
    let named = number(pointer).and_then(|pointer| u64::try_from(pointer).ok());
    named.map_or(Generation::FIRST, Generation)
}

/// The pointer to the live generation, and what it was.
struct Live {
    key: String,
    generation: Generation,
}

/// The views of one partition. `WATCH` belongs to its connection.
pub struct RedisViewStore {
    connection: DedicatedConnection,
    keys: ViewKeys,
    /// If nothing may be written when another generation is live.
    live: Option<Live>,
    /// The checkpoint when the watch on it was set; none if another generation was live then.
    watched: Option<Option<u64>>,
}

/// The commands of a batch: what goes to one key goes in one command. No field and no member is written
/// twice in a batch, so their order does not matter.
#[derive(Default)]
struct Writes {
    commands: Vec<Cmd>,
    by_key: HashMap<(&'static str, String), usize>,
}

impl Writes {
    fn add(&mut self, name: &'static str, key: String, one: impl ToRedisArgs, other: impl ToRedisArgs) {
        let commands = &mut self.commands;
        let index = *self.by_key.entry((name, key)).or_insert_with_key(|(name, key)| {
            let mut command = cmd(name);
            command.arg(key);
            commands.push(command);
            commands.len() - 1
        });
        commands[index].arg(one).arg(other);
    }

    fn set(&mut self, key: String, json: &[u8]) {
        let mut set = cmd("SET");
        set.arg(key).arg(json);
        self.commands.push(set);
    }
}

impl RedisViewStore {
    /// Sends commands, then sets a watch on the checkpoint and reads it: the guard of the next
    /// transaction. One round trip.
    async fn guarded(&mut self, mut commands: Pipeline) -> Result<Vec<Value>, StreamError> {
        let key = self.keys.checkpoint();
        self.watched = None;
        // A watch that was touched stays touched until it is taken back, also when it is set once more.
        commands.cmd("UNWATCH");
        let watch = commands.cmd("WATCH").arg(&key);
        if let Some(live) = &self.live {
            watch.arg(&live.key);
            commands.cmd("GET").arg(&live.key);
        }
        commands.cmd("GET").arg(&key);
        let mut replies = self.connection.send(&commands).await?;
        let checkpoint = replies.pop().unwrap_or(Value::Nil);
        let mut is_live = true;
        if let Some(live) = &self.live {
            is_live = read_pointer(&ok(replies.pop().unwrap_or(Value::Nil))?) == live.generation;
        }
        ok(replies.pop().unwrap_or(Value::Nil))?;
        replies.pop();
        let checkpoint = number(&ok(checkpoint)?).unwrap_or_default();
        self.watched = Some(is_live.then(|| u64::try_from(checkpoint).unwrap_or_default()));
        Ok(replies)
    }

    fn write(&self, writes: &mut Writes, write: &ReadModelWrite) {
        let keys = &self.keys;
        match write {
            ReadModelWrite::User { user, json } => {
                writes.set(keys.user(*user), json);
            }
            ReadModelWrite::Auction { auction, json } => {
                writes.set(keys.auction(*auction), json);
            }
            ReadModelWrite::AddToAuctionList { auction, place } => {
                let member = keys::listed_member(place.ends_at, *auction);
                writes.add("ZADD", keys.auctions_by_status(place.status), 0, member);
            }
            ReadModelWrite::AuctionListEntry { auction, status, leader, json } => {
                let line = entry::of_auction(*status, *leader, json);
                writes.add("HSET", keys.auction_entries(), auction.to_string(), line);
            }
            ReadModelWrite::RemoveFromAuctionList { auction, place } => {
                let member = keys::listed_member(place.ends_at, *auction);
                let mut remove = cmd("ZREM");
                remove.arg(keys.auctions_by_status(place.status)).arg(member);
                writes.commands.push(remove);
            }
            ReadModelWrite::Bid { auction, number, bidder, json } => {
                let line = entry::with_user(Some(*bidder), json);
                writes.add("HSET", keys.bids(*auction), *number, line);
                let member = keys::own_bid_member(*bidder, *number);
                writes.add("ZADD", keys.own_bids(*auction), 0, member);
            }
            ReadModelWrite::BidderAuctionEntry { user, auction, json } => {
                writes.add("HSET", keys.bidder(*user), auction.to_string(), json);
            }
            ReadModelWrite::AddToBidderAuctions { user, auction } => {
                writes.add("ZADD", keys.bidder_auctions(*user), 0, auction.to_string());
            }
        }
    }

    async fn transaction(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, StreamError> {
        if self.watched.is_none() {
            self.guarded(pipe()).await?;
        }
        if self.watched != Some(Some(from)) {
            return Ok(ReadModelCommit::CheckpointMoved);
        }
        let mut all = Writes::default();
        writes.iter().for_each(|write| self.write(&mut all, write));
        let mut commands = pipe();
        commands.cmd("MULTI");
        for command in all.commands {
            commands.add_command(command);
        }
        commands.cmd("SET").arg(self.keys.checkpoint()).arg(to);
        commands.cmd("EXEC");
        let executed = self.guarded(commands).await?.pop();
        match ok(executed.unwrap_or(Value::Nil))? {
            Value::Array(results) => {
                results.into_iter().try_for_each(|result| ok(result).map(drop))?;
                Ok(ReadModelCommit::Done)
            }
            _ => Ok(ReadModelCommit::CheckpointMoved),
        }
    }
}

impl ReadModelWriter for RedisViewStore {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        self.guarded(pipe()).await.map_err(unavailable)?;
        Ok(self.watched.flatten().unwrap_or_default())
    }

    async fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, Unavailable> {
        self.transaction(from, to, writes).await.map_err(unavailable)
    }
}
