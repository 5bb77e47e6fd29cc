//! Copies of inboxes: made when a user asks, kept up to date by deliveries, gone after a while.
//!
//! A copy is one hash: place → JSON for each notification, and `first`, `last` (what can be read, without a
//! hole), `read_up_to`, `token` (which copy this is), `generation` (which one of its partition) and, once it
//! was filled, `complete`. While it is filled, deliveries are gathered in it. Whoever begins to deliver
//! raises the generation: of what was stored before, something may never have been delivered, so copies of
//! an older generation are made anew when they are asked for.

use crate::{client_error, keys};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_domain::UserId;
use auction_wire::{PartitionCount, PartitionId};
use deadpool_redis::{Connection, Pool};
use redis::{Cmd, Value, cmd, pipe};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use stream_worker::value::{number, text};
use uuid::Uuid;

/// However it came to be wrong, a copy is made anew after so many milliseconds.
const LIFE_MS: u64 = 10 * 60 * 1000;

/// So many notifications are delivered by one script: others are served in between.
const CHUNK: usize = 200;

const ADVANCE_AND_DELIVER: &str =
    concat!(include_str!("inbox/advance.lua"), include_str!("inbox/deliver.lua"));
const ADVANCE_AND_FILL: &str = concat!(include_str!("inbox/advance.lua"), include_str!("inbox/fill.lua"));
const RESERVE: &str = include_str!("inbox/reserve.lua");
const PAGE: &str = include_str!("inbox/page.lua");
const MARK_READ: &str = include_str!("inbox/mark_read.lua");

/// The copies in one Redis.
#[derive(Clone)]
pub struct RedisInboxCache {
    pool: Pool,
    partitions: PartitionCount,
    keeps: NonZeroU16,
}

impl RedisInboxCache {
    /// Over a pool. Each copy keeps so many, the newest.
    pub fn new(pool: Pool, partitions: PartitionCount, keeps: NonZeroU16) -> RedisInboxCache {
        RedisInboxCache { pool, partitions, keeps }
    }

    async fn connection(&self) -> Result<Connection, Unavailable> {
        self.pool.get().await.map_err(client_error)
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
    async fn begin(&self) -> Result<(), Unavailable> {
        let mut raise = pipe();
        for partition in self.partitions.all() {
            raise.cmd("INCR").arg(keys::inbox_generation(partition)).ignore();
        }
        raise.query_async(&mut self.connection().await?).await.map_err(client_error)
    }

    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        let users: BTreeSet<UserId> = notifications.iter().map(|delivered| delivered.user).collect();
        let mut connection = self.connection().await?;
        // Most people do not look. A copy that is begun after this is filled from what is stored, and that is already.
        let mut look = pipe();
        for user in &users {
            look.cmd("EXISTS").arg(keys::inbox(self.partition(*user), *user));
        }
        let there: Vec<bool> = look.query_async(&mut connection).await.map_err(client_error)?;
        let copied: BTreeSet<UserId> =
            users.iter().zip(there).filter(|(_, there)| *there).map(|(user, _)| *user).collect();
        let mut by_partition: BTreeMap<PartitionId, Vec<&NewNotification>> = BTreeMap::new();
        for delivered in notifications.iter().filter(|delivered| copied.contains(&delivered.user)) {
            by_partition.entry(self.partition(delivered.user)).or_default().push(delivered);
        }
        let mut scripts = pipe();
        for (partition, delivered) in &by_partition {
            for chunk in delivered.chunks(CHUNK) {
                let keys: Vec<_> = chunk.iter().map(|to| keys::inbox(*partition, to.user)).collect();
                let mut deliver = script(ADVANCE_AND_DELIVER, &keys);
                deliver.arg(self.keeps.get());
                for delivered in chunk {
                    deliver.arg(delivered.seq).arg(&delivered.json);
                }
                scripts.add_command(deliver).ignore();
            }
        }
        // Behind them, in the same round trip: whoever is woken finds it.
        let told: Vec<u8> = users.iter().flat_map(|user| *user.0.as_bytes()).collect();
        scripts.cmd("PUBLISH").arg(keys::TOLD).arg(told).ignore();
        scripts.query_async(&mut connection).await.map_err(client_error)
    }
}

impl InboxCache for RedisInboxCache {
    async fn page(&self, user: UserId, after: u64, limit: usize) -> Result<Option<InboxPage>, Unavailable> {
        let partition = self.partition(user);
        let mut page = script(PAGE, &[keys::inbox(partition, user), keys::inbox_generation(partition)]);
        match self.query(page.arg(after).arg(limit)).await? {
            Value::Nil => Ok(None),
            reply => read(&reply).map(Some).ok_or_else(|| nonsense(&reply)),
        }
    }

    async fn reserve(&self, user: UserId) -> Result<Uuid, Unavailable> {
        let partition = self.partition(user);
        let mut begin = script(RESERVE, &[keys::inbox(partition, user), keys::inbox_generation(partition)]);
        let reply = self.query(begin.arg(Uuid::new_v4().to_string()).arg(LIFE_MS)).await?;
        let token = text(&reply).and_then(|token| Uuid::try_parse(token).ok());
        token.ok_or_else(|| nonsense(&reply))
    }

    async fn fill(&self, user: UserId, mark: Uuid, inbox: &InboxPage) -> Result<(), Unavailable> {
        let mut fill = script(ADVANCE_AND_FILL, &[keys::inbox(self.partition(user), user)]);
        fill.arg(mark.to_string()).arg(inbox.first).arg(inbox.last).arg(inbox.read_up_to);
        fill.arg(self.keeps.get());
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

fn nonsense(reply: &Value) -> Unavailable {
    Unavailable::new("redis", format!("an inbox is not as it is written: {reply:?}"))
}
