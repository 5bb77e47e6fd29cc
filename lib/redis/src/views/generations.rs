//! Generations of read models: filled beside the current one, compared, switched, dropped.

use super::write::{RedisReadModelConnector, read_pointer};
use crate::keys::{self, ViewKeys};
use crate::{PooledConnection, RedisPool, RedisServer, client_error};
use auction_app::ports::Unavailable;
use auction_app::ports::views::generations::{
    ComparedViews, Comparison, Generation, Generations, SwitchResult,
};
use auction_app::ports::views::read_models::ViewName;
use auction_wire::PartitionId;
use redis::{Value, cmd, pipe};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// Number of keys or entries read in one step.
const STEP: usize = 200;

/// Returns a number above all that were ever returned, and above the current generation. KEYS: newest,
/// current.
const BEGIN: &str = "local newest = tonumber(redis.call('GET', KEYS[1]) or '1')
local current = tonumber(redis.call('GET', KEYS[2]) or '1')
local next = math.max(newest, current) + 1
redis.call('SET', KEYS[1], next)
return next";

/// Compares checkpoints and switches, in one atomic step. KEYS: current, checkpoint of the current
/// generation, of the other one; ARGV: the current generation, the other one.
const SWITCH: &str = "if (redis.call('GET', KEYS[1]) or '1') ~= ARGV[1] then return 'moved' end
local current, other = redis.call('GET', KEYS[2]) or '0', redis.call('GET', KEYS[3]) or '0'
if tonumber(other) < tonumber(current) then return 'behind' end
redis.call('SET', KEYS[1], ARGV[2])
return 'done'";

/// Generations in one Redis.
#[derive(Clone)]
pub struct RedisGenerations {
    server: RedisServer,
    pool: RedisPool,
}

impl RedisGenerations {
    /// Returns generations that are read over the pool, and written over dedicated connections.
    pub fn new(server: impl Into<RedisServer>, pool: RedisPool) -> RedisGenerations {
        RedisGenerations { server: server.into(), pool }
    }

    async fn connection(&self) -> Result<PooledConnection, Unavailable> {
        self.pool.get().await
    }

    async fn current(&self, partition: PartitionId) -> Result<Generation, Unavailable> {
        let mut connection = self.connection().await?;
        let pointer: Value = cmd("GET")
            .arg(keys::current_generation(partition))
            .query_async(&mut connection)
            .await
            .map_err(client_error)?;
        Ok(read_pointer(&pointer))
    }

    /// Returns the ids of some entries of a generation, and the cursor of the next step.
    async fn ids(&self, key: &str, cursor: &str) -> Result<(String, Vec<Uuid>), Unavailable> {
        let mut scan = cmd("HSCAN");
        scan.arg(key).arg(cursor).arg("COUNT").arg(STEP);
        let (next, fields): (String, Vec<Vec<u8>>) =
            scan.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        let names = fields.iter().step_by(2);
        Ok((next, names.filter_map(|name| Uuid::try_parse_ascii(name).ok()).collect()))
    }

    /// Returns the documents and entries of these ids in a generation.
    async fn views(
        &self,
        keys: &ViewKeys,
        ids: &[Uuid],
        entries: ViewName,
        document: fn(Uuid) -> ViewName,
    ) -> Result<Vec<ComparedViews>, Unavailable> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut gets = pipe();
        for id in ids {
            gets.cmd("GET").arg(keys.key(document(*id)));
            gets.cmd("HGET").arg(keys.key(entries)).arg(id.to_string());
        }
        let views: Vec<Option<Vec<u8>>> =
            gets.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(views.as_chunks().0.to_vec())
    }
}

impl Generations for RedisGenerations {
    type Stores = RedisReadModelConnector;

    async fn begin(&self, partition: PartitionId) -> Result<Generation, Unavailable> {
        let mut begin = cmd("EVAL");
        begin
            .arg(BEGIN)
            .arg(2)
            .arg(keys::newest_generation(partition))
            .arg(keys::current_generation(partition));
        let next: u64 = begin.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(Generation(next))
    }

    fn stores(&self, generation: Generation) -> RedisReadModelConnector {
        RedisReadModelConnector::of(self.server.clone(), generation)
    }

    async fn compare(
        &self,
        partition: PartitionId,
        generation: Generation,
        entries: ViewName,
        document: fn(Uuid) -> ViewName,
    ) -> Result<Comparison, Unavailable> {
        let current = ViewKeys::new(partition, self.current(partition).await?);
        let other = ViewKeys::new(partition, generation);
        let mut comparison = Comparison::default();
        // First ids that only the current generation has, then those of the other generation.
        for (from, to, include_common) in [(&current, &other, false), (&other, &current, true)] {
            let mut cursor = "0".to_owned();
            loop {
                let (next, ids) = self.ids(&from.key(entries), &cursor).await?;
                let ones = self.views(from, &ids, entries, document).await?;
                let others = self.views(to, &ids, entries, document).await?;
                for (id, (one, other)) in ids.iter().zip(ones.iter().zip(&others)) {
                    if include_common || *other == ComparedViews::default() {
                        comparison.add(document(*id), one, other);
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
        let current = self.current(partition).await?;
        if current >= to {
            return Ok(if current == to { SwitchResult::Done } else { SwitchResult::Superseded });
        }
        let mut switch = cmd("EVAL");
        switch.arg(SWITCH).arg(3).arg(keys::current_generation(partition));
        switch.arg(ViewKeys::new(partition, current).checkpoint());
        switch.arg(ViewKeys::new(partition, to).checkpoint()).arg(current.0).arg(to.0);
        let switched: String =
            switch.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        match switched.as_str() {
            "done" => Ok(SwitchResult::Done),
            // Another generation is current by now: the caller checks again.
            "behind" | "moved" => Ok(SwitchResult::Behind),
            other => {
                Err(Unavailable::new("redis", format!("unexpected reply of the switch script: {other}")))
            }
        }
    }

    async fn drop_old(&self) -> Result<u64, Unavailable> {
        Ok(self.drop_matching(keys::ALL_VIEWS).await? + self.drop_matching(keys::FORMER_VIEWS).await?)
    }
}

impl RedisGenerations {
    /// Deletes the keys of a pattern that no generation uses any more. Returns their number.
    async fn drop_matching(&self, pattern: &str) -> Result<u64, Unavailable> {
        let (mut connection, mut dropped, mut cursor) = (self.connection().await?, 0, "0".to_owned());
        // A generation older than one that was current is never used again, so a remembered pointer is good
        // enough.
        let mut current: HashMap<PartitionId, Generation> = HashMap::new();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
            let (next, found): (String, Vec<String>) =
                scan.query_async(&mut connection).await.map_err(client_error)?;
            let mut unlink = cmd("UNLINK");
            let mut old = 0;
            for key in &found {
                if pattern == keys::FORMER_VIEWS {
                    unlink.arg(key);
                    old += 1;
                    continue;
                }
                let Some((partition, generation)) = keys::read_view_key(key) else { continue };
                if let Entry::Vacant(vacant) = current.entry(partition) {
                    vacant.insert(self.current(partition).await?);
                }
                if generation.is_some_and(|generation| generation < current[&partition]) {
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
