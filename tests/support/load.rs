//! Sends commands directly to the command streams and checks their results.

use super::{database, eventually};
use auction_domain::{AuctionId, UserId};
use auction_local_servers::LocalServers;
use auction_testkit::fixtures::{create_auction, create_user, place_bid};
use auction_testkit::random::Random;
use auction_wire::{Channel, Command};
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

const PARTITIONS: u64 = 8;

/// Returns an id that belongs to this partition, different for each `n`.
pub fn id(partition: u64, n: u64) -> Uuid {
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7001, 0x8000_0000_0000_0000 + n * PARTITIONS + partition)
}

/// Sends commands to the streams and remembers them, so that the results can be checked.
pub struct Load {
    redis: redis::Client,
    database_url: String,
    pub users: Vec<UserId>,
    pub auctions: Vec<AuctionId>,
    /// All commands in the order in which they were sent, including repeats.
    pub sent: Vec<Command>,
    random: Random,
}

impl Load {
    /// Connects without sending anything.
    pub fn empty(servers: &LocalServers, seed: u64) -> Load {
        Load {
            redis: redis::Client::open(servers.redis_url()).unwrap(),
            database_url: servers.database_url().to_owned(),
            users: Vec::new(),
            auctions: Vec::new(),
            sent: Vec::new(),
            random: Random::new(seed),
        }
    }

    /// Creates users and auctions in all partitions and waits until they exist.
    pub async fn prepare(servers: &LocalServers, seed: u64) -> Load {
        let mut load = Load {
            users: (0..20).map(|n| UserId(id(n % PARTITIONS, n))).collect(),
            auctions: (0..24).map(|n| AuctionId(id(n % PARTITIONS, 1000 + n))).collect(),
            ..Load::empty(servers, seed)
        };
        let mut first: Vec<Command> = load.users.iter().map(|user| create_user(*user)).collect();
        first.extend(load.auctions.iter().map(|auction| create_auction(*auction)));
        load.send(first).await;
        load.wait_for_outcomes(load.sent.len() as u64).await;
        load
    }

    /// Sends `count` commands: bids above all earlier ones, and sometimes a repeat of an earlier command.
    pub async fn send_bids(&mut self, count: usize) {
        let mut bids = Vec::with_capacity(count);
        for n in 0..count {
            if self.random.chance(30) {
                bids.push(self.random.pick(&self.sent).clone());
                continue;
            }
            let (auction, user) = (*self.random.pick(&self.auctions), *self.random.pick(&self.users));
            bids.push(place_bid(auction, user, 100 + (self.sent.len() + n) as u64));
        }
        self.send(bids).await;
    }

    /// Sends all commands again in the same order. Commands that were lost undecided are decided now; decided
    /// ones have no second effect.
    pub async fn resend_all(&mut self) {
        let all = self.sent.clone();
        self.send(all).await;
    }

    /// Adds the commands to their streams. If Redis fails, all of them are added again, because it is unknown
    /// whether Redis has them.
    pub async fn send(&mut self, commands: Vec<Command>) {
        let mut add = redis::pipe();
        for command in &commands {
            let partition = command.key.as_u64_pair().1 % PARTITIONS;
            let channel = command.body.channel().name();
            let entry = add.cmd("XADD").arg(format!("ap:{{{partition:02}}}:cmd:{channel}")).arg("*");
            for (name, value) in command.to_fields() {
                entry.arg(name).arg(value);
            }
            entry.ignore();
        }
        eventually("Redis accepts commands", || async {
            let mut redis = self.connection().await?;
            add.query_async::<()>(&mut redis).await.ok()
        })
        .await;
        self.sent.extend(commands);
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        // Killing Redis closes the connection; the next attempt opens a new one.
        self.redis.get_multiplexed_async_connection().await.ok()
    }

    /// Waits until at least this number of commands have an outcome.
    pub async fn wait_for_outcomes(&self, at_least: u64) {
        eventually("commands are decided", || async {
            (self.outcome_count().await? >= at_least).then_some(())
        })
        .await;
    }

    /// Waits until all sent commands have an outcome. Outcomes of other commands do not count.
    pub async fn wait_until_all_decided(&self) {
        let database = database(&self.database_url).await;
        let ids: Vec<Uuid> = self.sent.iter().map(|command| command.id.0).collect();
        let count = "SELECT count(*) FROM command_outcomes WHERE command_id = ANY ($1)";
        eventually("all commands are decided", || async {
            let decided: i64 = database.query_one(count, &[&ids]).await.ok()?.get(0);
            (decided as u64 == self.distinct_count()).then_some(())
        })
        .await;
    }

    /// Returns the number of stored outcomes; `None` if Postgres is unavailable.
    pub async fn outcome_count(&self) -> Option<u64> {
        let (client, connection) =
            tokio_postgres::connect(&self.database_url, tokio_postgres::NoTls).await.ok()?;
        tokio::spawn(connection);
        let row = client.query_one("SELECT count(*) FROM command_outcomes", &[]).await.ok()?;
        u64::try_from(row.get::<_, i64>(0)).ok()
    }

    /// Returns the number of sent commands without repeats.
    pub fn distinct_count(&self) -> u64 {
        self.sent.iter().map(|command| command.id).collect::<HashSet<_>>().len() as u64
    }

    /// Returns whether every entry of every command stream was delivered and acknowledged.
    async fn is_settled(&self, redis: &mut MultiplexedConnection) -> Option<bool> {
        for partition in 0..PARTITIONS {
            for channel in Channel::ALL {
                let stream = format!("ap:{{{partition:02}}}:cmd:{}", channel.name());
                let mut info = redis::cmd("XINFO");
                let groups: Vec<HashMap<String, Value>> =
                    info.arg("GROUPS").arg(&stream).query_async(redis).await.ok()?;
                let mut info = redis::cmd("XINFO");
                let stream: HashMap<String, Value> =
                    info.arg("STREAM").arg(&stream).query_async(redis).await.ok()?;
                let settled = groups[0]["pending"] == Value::Int(0)
                    && groups[0]["last-delivered-id"] == stream["last-generated-id"];
                if !settled {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    /// Waits until every entry of every command stream was delivered and acknowledged.
    pub async fn wait_until_settled(&self) {
        eventually("no command is undelivered or pending", || async {
            let mut redis = self.connection().await?;
            self.is_settled(&mut redis).await?.then_some(())
        })
        .await;
    }

    /// Returns the number of entries on all command streams and on all event streams.
    pub async fn stream_lengths(&self) -> Option<(u64, u64)> {
        let mut redis = self.connection().await?;
        let mut lengths = (0, 0);
        for partition in 0..PARTITIONS {
            let mut length = async |stream: String| -> Option<u64> {
                redis::cmd("XLEN")
                    .arg(format!("ap:{{{partition:02}}}:{stream}"))
                    .query_async(&mut redis)
                    .await
                    .ok()
            };
            for channel in Channel::ALL {
                lengths.0 += length(format!("cmd:{}", channel.name())).await?;
            }
            lengths.1 += length("evt".to_owned()).await?;
        }
        Some(lengths)
    }

    /// Waits until all commands are decided and settled, and asserts that every command has one outcome and
    /// one event, positions have no gaps, each auction has its events in the order of its commands, and no
    /// command is a dead letter.
    pub async fn assert_consistent(&self) {
        self.wait_for_outcomes(self.distinct_count()).await;
        self.wait_until_settled().await;
        let database = database(&self.database_url).await;
        let one = async |query: &str| database.query_one(query, &[]).await.unwrap().get::<_, i64>(0);
        assert_eq!(
            one("SELECT count(*) FROM command_outcomes").await as u64,
            self.distinct_count(),
            "one outcome per command"
        );
        let heads = one("SELECT sum(head)::bigint FROM partitions").await;
        let events = one("SELECT count(*) FROM events").await;
        assert_eq!(events, heads, "positions have no gaps");
        assert_eq!(events as u64, self.distinct_count(), "every command is accepted once");
        let mut seen = HashSet::new();
        let first = self.sent.iter().filter(|command| seen.insert(command.id));
        let mut sent: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        first.for_each(|command| sent.entry(command.key).or_default().push(command.id.0));
        let mut stored: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        let in_order = "SELECT aggregate, command_id FROM events ORDER BY partition, position";
        for row in database.query(in_order, &[]).await.unwrap() {
            stored.entry(row.get(0)).or_default().push(row.get(1));
        }
        for (key, commands) in &sent {
            assert_eq!(&stored[key], commands, "{key}: events are in the order of the commands");
        }
        self.assert_no_dead_letters().await;
    }

    async fn assert_no_dead_letters(&self) {
        let mut redis = self.connection().await.unwrap();
        for partition in 0..PARTITIONS {
            let mut length = redis::cmd("XLEN");
            let dead = format!("ap:{{{partition:02}}}:dead");
            let dead: u64 = length.arg(dead).query_async(&mut redis).await.unwrap();
            assert_eq!(dead, 0, "dead letters of partition {partition}");
        }
    }

    /// Returns for each partition the process of a group that holds its lease.
    pub async fn owners(&self, group: &str) -> Vec<Option<String>> {
        let mut redis = self.connection().await.unwrap();
        let mut owners = Vec::new();
        for partition in 0..PARTITIONS {
            let mut get = redis::cmd("GET");
            get.arg(format!("ap:{{{partition:02}}}:lease:{group}"));
            owners.push(get.query_async(&mut redis).await.unwrap());
        }
        owners
    }

    /// Returns the numbers of partitions held by the processes of a group, ascending; `None` while a
    /// partition has no owner.
    async fn shares(&self, group: &str) -> Option<Vec<usize>> {
        let mut shares: BTreeMap<String, usize> = BTreeMap::new();
        for owner in self.owners(group).await {
            *shares.entry(owner?).or_default() += 1;
        }
        let mut shares: Vec<usize> = shares.into_values().collect();
        shares.sort_unstable();
        Some(shares)
    }

    /// Waits until the processes of a group hold these numbers of partitions, and returns how long it took.
    pub async fn wait_for_shares(&self, group: &str, expected: &[usize]) -> Duration {
        let began = Instant::now();
        eventually("the partitions are shared as expected", || async {
            (self.shares(group).await? == expected).then_some(())
        })
        .await;
        began.elapsed()
    }
}
