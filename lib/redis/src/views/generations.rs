//! Generations of views: filled beside the live one, compared, switched, dropped.

use super::entry;
use super::write::{RedisViewStores, read_pointer};
use crate::keys::{self, ViewKeys};
use crate::{RedisServer, client_error};
use auction_app::ports::Unavailable;
use auction_app::ports::views::generations::{
    ComparedAuction, Comparison, Generation, Generations, SwitchResult,
};
use auction_domain::AuctionId;
use auction_wire::PartitionId;
use deadpool_redis::{Connection, Pool};
use redis::{Value, cmd, pipe};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// How many keys or auctions are looked at in one go.
const STEP: usize = 200;

/// A number above all that were given out, and above the live one. KEYS: newest, live.
const BEGIN: &str = "local newest = tonumber(redis.call('GET', KEYS[1]) or '1')
local live = tonumber(redis.call('GET', KEYS[2]) or '1')
local next = math.max(newest, live) + 1
redis.call('SET', KEYS[1], next)
return next";

/// One step: nobody reads or writes in between. KEYS: live, checkpoint of the live one, of the other;
/// ARGV: the live one, the other.
const SWITCH: &str = "if (redis.call('GET', KEYS[1]) or '1') ~= ARGV[1] then return 'moved' end
local live, other = redis.call('GET', KEYS[2]) or '0', redis.call('GET', KEYS[3]) or '0'
if tonumber(other) < tonumber(live) then return 'behind' end
redis.call('SET', KEYS[1], ARGV[2])
return 'done'";

/// The generations on one Redis.
#[derive(Clone)]
pub struct RedisGenerations {
    server: RedisServer,
    pool: Pool,
}

impl RedisGenerations {
    /// Reads over a pool, writes over connections of their own.
    pub fn new(server: impl Into<RedisServer>, pool: Pool) -> RedisGenerations {
        RedisGenerations { server: server.into(), pool }
    }

    async fn connection(&self) -> Result<Connection, Unavailable> {
        self.pool.get().await.map_err(client_error)
    }

    async fn live(&self, partition: PartitionId) -> Result<Generation, Unavailable> {
        let mut connection = self.connection().await?;
        let pointer: Value = cmd("GET")
            .arg(keys::live_views(partition))
            .query_async(&mut connection)
            .await
            .map_err(client_error)?;
        Ok(read_pointer(&pointer))
    }

    /// Some auctions of a generation, and where to go on.
    async fn auctions(&self, of: &ViewKeys, cursor: &str) -> Result<(String, Vec<AuctionId>), Unavailable> {
        let mut scan = cmd("HSCAN");
        scan.arg(of.auction_entries()).arg(cursor).arg("COUNT").arg(STEP);
        let (next, fields): (String, Vec<Vec<u8>>) =
            scan.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        let names = fields.iter().step_by(2);
        let auctions = names.filter_map(|name| Uuid::try_parse_ascii(name).ok().map(AuctionId)).collect();
        Ok((next, auctions))
    }

    /// How a generation shows these auctions.
    async fn shown(
        &self,
        keys: &ViewKeys,
        auctions: &[AuctionId],
    ) -> Result<Vec<ComparedAuction>, Unavailable> {
        if auctions.is_empty() {
            return Ok(Vec::new());
        }
        let mut ask = pipe();
        for auction in auctions {
            ask.cmd("GET").arg(keys.auction(*auction));
            ask.cmd("HGET").arg(keys.auction_entries()).arg(auction.to_string());
        }
        let views: Vec<Option<Vec<u8>>> =
            ask.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        let shown = views.chunks_exact(2).map(|pair| {
            let line = pair[1].as_deref().and_then(entry::read_auction);
            ComparedAuction {
                view: pair[0].clone(),
                line: line.map(|(_, _, json)| json.to_vec()),
                leader: line.and_then(|(_, leader, _)| leader),
            }
        });
        Ok(shown.collect())
    }
}

impl Generations for RedisGenerations {
    type Stores = RedisViewStores;

    async fn begin(&self, partition: PartitionId) -> Result<Generation, Unavailable> {
        let mut begin = cmd("EVAL");
        begin.arg(BEGIN).arg(2).arg(keys::newest_views(partition)).arg(keys::live_views(partition));
        let next: u64 = begin.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(Generation(next))
    }

    fn stores(&self, generation: Generation) -> RedisViewStores {
        RedisViewStores::of(self.server.clone(), generation)
    }

    async fn compare(
        &self,
        partition: PartitionId,
        generation: Generation,
    ) -> Result<Comparison, Unavailable> {
        let live = ViewKeys::new(partition, self.live(partition).await?);
        let other = ViewKeys::new(partition, generation);
        let mut comparison = Comparison::default();
        // What only the live one has, then what the other one has.
        for (from, to, both) in [(&live, &other, false), (&other, &live, true)] {
            let mut cursor = "0".to_owned();
            loop {
                let (next, auctions) = self.auctions(from, &cursor).await?;
                let (ours, theirs) = (self.shown(from, &auctions).await?, self.shown(to, &auctions).await?);
                for (auction, (one, two)) in auctions.iter().zip(ours.iter().zip(&theirs)) {
                    if both || *two == ComparedAuction::default() {
                        comparison.add(*auction, one, two);
                    }
                }
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
        }
        Ok(comparison)
    }

    async fn switch(&self, partition: PartitionId, to: Generation) -> Result<SwitchResult, Unavailable> {
        let live = self.live(partition).await?;
        if live >= to {
            return Ok(if live == to { SwitchResult::Done } else { SwitchResult::Superseded });
        }
        let mut switch = cmd("EVAL");
        switch.arg(SWITCH).arg(3).arg(keys::live_views(partition));
        switch.arg(ViewKeys::new(partition, live).checkpoint());
        switch.arg(ViewKeys::new(partition, to).checkpoint()).arg(live.0).arg(to.0);
        let switched: String =
            switch.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        match switched.as_str() {
            "done" => Ok(SwitchResult::Done),
            // Another one is live by now, newer or older than ours: looked at again.
            "behind" | "moved" => Ok(SwitchResult::Behind),
            other => Err(Unavailable::new("redis", format!("a switch answered {other}"))),
        }
    }

    async fn drop_old(&self) -> Result<u64, Unavailable> {
        let (mut connection, mut dropped, mut cursor) = (self.connection().await?, 0, "0".to_owned());
        // What is older than a generation that was live once is old for ever.
        let mut live: HashMap<PartitionId, Generation> = HashMap::new();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(keys::ALL_VIEWS).arg("COUNT").arg(STEP);
            let (next, found): (String, Vec<String>) =
                scan.query_async(&mut connection).await.map_err(client_error)?;
            let mut unlink = cmd("UNLINK");
            let mut old = 0;
            for key in &found {
                let Some((partition, generation)) = keys::read_view_key(key) else { continue };
                if let Entry::Vacant(unknown) = live.entry(partition) {
                    unknown.insert(self.live(partition).await?);
                }
                if generation.is_some_and(|generation| generation < live[&partition]) {
                    unlink.arg(key);
                    old += 1;
                }
            }
            if old > 0 {
                unlink.query_async::<u64>(&mut connection).await.map_err(client_error)?;
                dropped += old;
            }
            cursor = next;
            if cursor == "0" {
                return Ok(dropped);
            }
        }
    }
}
