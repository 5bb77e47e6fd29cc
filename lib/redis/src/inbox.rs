//! Cached inboxes: filled when a user reads, kept up to date by deliveries, and dropped after ten minutes.
//!
//! A cached inbox is a hash: sequence number → JSON for each notification, and `first`, `last` (range that
//! can be read, gap-free), `read_up_to`, `token` (of the reservation), `epoch` (of its partition) and, once
//! it is filled, `complete`. Deliveries that arrive while it is filled are added to it.
//!
//! A notifier that starts to deliver increments the epoch of the partition. Notifications that were stored
//! before may never have been delivered, so inboxes of an older epoch are filled again when they are read.

use crate::{PooledConnection, RedisPool, client_error, keys};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_domain::UserId;
use auction_wire::{PartitionCount, PartitionId};
use redis::{Cmd, Value, cmd, pipe};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use stream_worker::value::{number, text};
use uuid::Uuid;

/// Time to live of a cached inbox in milliseconds. Bounds how long an inbox can be wrong, whatever the cause.
const TTL_MS: u64 = 10 * 60 * 1000;

/// Maximum number of notifications delivered by one script, so that Redis serves others in between.
const CHUNK: usize = 200;

const ADVANCE_AND_DELIVER: &str =
    concat!(include_str!("inbox/advance.lua"), include_str!("inbox/deliver.lua"));
const ADVANCE_AND_FILL: &str = concat!(include_str!("inbox/advance.lua"), include_str!("inbox/fill.lua"));
const RESERVE: &str = include_str!("inbox/reserve.lua");
const PAGE: &str = include_str!("inbox/page.lua");
const MARK_READ: &str = include_str!("inbox/mark_read.lua");

/// Cached inboxes in one Redis.
#[derive(Clone)]
pub struct RedisInboxCache {
    pool: RedisPool,
    partitions: PartitionCount,
    size: NonZeroU16,
}

impl RedisInboxCache {
    /// Returns a cache that keeps the `size` newest notifications of each user.
    pub fn new(pool: RedisPool, partitions: PartitionCount, size: NonZeroU16) -> RedisInboxCache {
        RedisInboxCache { pool, partitions, size }
    }

    async fn connection(&self) -> Result<PooledConnection, Unavailable> {
        self.pool.get().await
    }

    async fn query(&self, command: &Cmd) -> Result<Value, Unavailable> {
        command.query_async(&mut self.connection().await?).await.map_err(client_error)
    }

    fn partition(&self, user: UserId) -> PartitionId {
        self.partitions.of(user.0)
    }
}

fn script(text: &str, keys: &[String]) -> Cmd {
    let mut eval = cmd("EVAL");
    eval.arg(text).arg(keys.len()).arg(keys);
    eval
}

impl NotificationSink for RedisInboxCache {
    async fn begin(&self, users: PartitionId) -> Result<(), Unavailable> {
        self.query(cmd("INCR").arg(keys::inbox_epoch(users))).await.map(drop)
    }

    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        let users: BTreeSet<UserId> = notifications.iter().map(|new| new.user).collect();
        let mut connection = self.connection().await?;
        // Most users have no cached inbox. An inbox that is reserved after this check is filled from
        // Postgres, where these notifications are stored already.
        let mut exist = pipe();
        for user in &users {
            exist.cmd("EXISTS").arg(keys::inbox(self.partition(*user), *user));
        }
        let exist: Vec<bool> = exist.query_async(&mut connection).await.map_err(client_error)?;
        let cached: BTreeSet<UserId> =
            users.iter().zip(exist).filter(|(_, exists)| *exists).map(|(user, _)| *user).collect();
        let mut by_partition: BTreeMap<PartitionId, Vec<&NewNotification>> = BTreeMap::new();
        for new in notifications.iter().filter(|new| cached.contains(&new.user)) {
            by_partition.entry(self.partition(new.user)).or_default().push(new);
        }
        let mut scripts = pipe();
        for (partition, notifications) in &by_partition {
            for chunk in notifications.chunks(CHUNK) {
                let keys: Vec<_> = chunk.iter().map(|new| keys::inbox(*partition, new.user)).collect();
                let mut deliver = script(ADVANCE_AND_DELIVER, &keys);
                deliver.arg(self.size.get());
                for new in chunk {
                    deliver.arg(new.seq).arg(&new.json);
                }
                scripts.add_command(deliver).ignore();
            }
        }
        // After the deliveries, in the same round trip: subscribers that are notified find the notifications.
        let notified: Vec<u8> = users.iter().flat_map(|user| *user.0.as_bytes()).collect();
        scripts.cmd("PUBLISH").arg(keys::NOTIFIED).arg(notified).ignore();
        scripts.query_async(&mut connection).await.map_err(client_error)
    }
}

#[async_trait]
impl InboxCache for RedisInboxCache {
    async fn page(&self, user: UserId, after: u64, limit: usize) -> Result<Option<InboxPage>, Unavailable> {
        let partition = self.partition(user);
        let mut page = script(PAGE, &[keys::inbox(partition, user), keys::inbox_epoch(partition)]);
        match self.query(page.arg(after).arg(limit)).await? {
            Value::Nil => Ok(None),
            reply => read(&reply).map(Some).ok_or_else(|| malformed(&reply)),
        }
    }

    async fn reserve(&self, user: UserId) -> Result<Uuid, Unavailable> {
        let partition = self.partition(user);
        let mut reserve = script(RESERVE, &[keys::inbox(partition, user), keys::inbox_epoch(partition)]);
        let reply = self.query(reserve.arg(Uuid::new_v4().to_string()).arg(TTL_MS)).await?;
        let token = text(&reply).and_then(|token| Uuid::try_parse(token).ok());
        token.ok_or_else(|| malformed(&reply))
    }

    async fn fill(&self, user: UserId, token: Uuid, inbox: &InboxPage) -> Result<(), Unavailable> {
        let mut fill = script(ADVANCE_AND_FILL, &[keys::inbox(self.partition(user), user)]);
        fill.arg(token.to_string()).arg(inbox.first).arg(inbox.last).arg(inbox.read_up_to);
        fill.arg(self.size.get());
        for (seq, json) in &inbox.entries {
            fill.arg(seq).arg(json);
        }
        self.query(&fill).await.map(drop)
    }

    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(), Unavailable> {
        let mut mark = script(MARK_READ, &[keys::inbox(self.partition(user), user)]);
        self.query(mark.arg(up_to)).await.map(drop)
    }
}

fn read(reply: &Value) -> Option<InboxPage> {
    let Value::Array(parts) = reply else { return None };
    let [first, last, read_up_to, from, Value::Array(page)] = &parts[..] else { return None };
    let number = |value| u64::try_from(number(value)?).ok();
    let mut entries = Vec::with_capacity(page.len());
    for (seq, json) in (number(from)?..).zip(page) {
        let Value::BulkString(json) = json else { return None };
        entries.push((seq, json.clone()));
    }
    Some(InboxPage { first: number(first)?, last: number(last)?, read_up_to: number(read_up_to)?, entries })
}

fn malformed(reply: &Value) -> Unavailable {
    Unavailable::new("redis", format!("unexpected reply of an inbox script: {reply:?}"))
}
