//! Commands straight onto the streams, as fast as wanted, and the check of what became of them.

use super::{database, eventually};
use auction_domain::auction::AuctionCommand;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_local_servers::LocalServers;
use auction_testkit::fixtures::{create_auction, create_user, place_bid};
use auction_testkit::random::Random;
use auction_wire::{Channel, Command, CommandBody};
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

const PARTITIONS: u64 = 8;

/// An id of a partition.
pub fn id(partition: u64, n: u64) -> Uuid {
    Uuid::from_u64_pair(0x0192_f5d0_1c00_7001, 0x8000_0000_0000_0000 + n * PARTITIONS + partition)
}

/// What was given, and what is to be given.
pub struct Load {
    redis: redis::Client,
    database_url: String,
    pub users: Vec<UserId>,
    pub auctions: Vec<AuctionId>,
    /// In the order in which they were given; repeats too.
    pub given: Vec<Command>,
    random: Random,
}

impl Load {
    /// Nothing given yet.
    pub fn empty(servers: &LocalServers, seed: u64) -> Load {
        Load {
            redis: redis::Client::open(servers.redis_url()).unwrap(),
            database_url: servers.database_url().to_owned(),
            users: Vec::new(),
            auctions: Vec::new(),
            given: Vec::new(),
            random: Random::new(seed),
        }
    }

    /// Users and auctions in all partitions, decided already.
    pub async fn prepare(servers: &LocalServers, seed: u64) -> Load {
        let mut load = Load {
            users: (0..20).map(|n| UserId(id(n % PARTITIONS, n))).collect(),
            auctions: (0..24).map(|n| AuctionId(id(n % PARTITIONS, 1000 + n))).collect(),
            ..Load::empty(servers, seed)
        };
        let mut first: Vec<Command> = load.users.iter().map(|user| create_user(*user)).collect();
        first.extend(load.auctions.iter().map(|auction| create_auction(*auction)));
        load.give(first).await;
        load.decided(load.given.len() as u64).await;
        load
    }

    /// So many bids, each above all before it, and now and then one that was given before.
    pub async fn bids(&mut self, count: usize) {
        let mut bids = Vec::with_capacity(count);
        for n in 0..count {
            if self.random.chance(30) {
                bids.push(self.random.pick(&self.given).clone());
                continue;
            }
            let (auction, user) = (*self.random.pick(&self.auctions), *self.random.pick(&self.users));
            bids.push(place_bid(auction, user, 100 + (self.given.len() + n) as u64));
        }
        self.give(bids).await;
    }

    /// Everything that was given, once more and in the same order: what was lost undecided is decided now,
    /// what was decided has no second effect.
    pub async fn give_again(&mut self) {
        let all = self.given.clone();
        self.give(all).await;
    }

    /// The auctions, which were given at the beginning.
    pub fn auctions(&self) -> &[AuctionId] {
        &self.auctions
    }

    /// Adds them to their streams. If Redis is away, all of them once more: whether it has them is not
    /// known.
    pub async fn give(&mut self, commands: Vec<Command>) {
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
        eventually("redis takes commands", || async {
            let mut redis = self.connection().await?;
            add.query_async::<()>(&mut redis).await.ok()
        })
        .await;
        self.given.extend(commands);
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        // A killed server closes it; then the next attempt opens another.
        self.redis.get_multiplexed_async_connection().await.ok()
    }

    /// Waits until so many commands have an outcome.
    pub async fn decided(&self, at_least: u64) {
        eventually("commands are decided", || async { (self.outcomes().await? >= at_least).then_some(()) })
            .await;
    }

    /// Waits until all commands that were given have an outcome, whoever else gives commands.
    pub async fn all_have_an_outcome(&self) {
        let database = database(&self.database_url).await;
        let given: Vec<Uuid> = self.given.iter().map(|command| command.id.0).collect();
        let count = "SELECT count(*) FROM commands WHERE command_id = ANY ($1)";
        eventually("all commands are decided", || async {
            let decided: i64 = database.query_one(count, &[&given]).await.ok()?.get(0);
            (decided as u64 == self.different()).then_some(())
        })
        .await;
    }

    /// How many commands have an outcome; none if Postgres is away.
    pub async fn outcomes(&self) -> Option<u64> {
        let (client, connection) =
            tokio_postgres::connect(&self.database_url, tokio_postgres::NoTls).await.ok()?;
        tokio::spawn(connection);
        let row = client.query_one("SELECT count(*) FROM commands", &[]).await.ok()?;
        u64::try_from(row.get::<_, i64>(0)).ok()
    }

    /// How many different commands were given.
    pub fn different(&self) -> u64 {
        self.given.iter().map(|command| command.id).collect::<HashSet<_>>().len() as u64
    }

    /// Nothing waits and nothing is pending.
    async fn is_quiet(&self, redis: &mut MultiplexedConnection) -> Option<bool> {
        for partition in 0..PARTITIONS {
            for channel in Channel::ALL {
                let stream = format!("ap:{{{partition:02}}}:cmd:{}", channel.name());
                let mut ask = redis::cmd("XINFO");
                let groups: Vec<HashMap<String, Value>> =
                    ask.arg("GROUPS").arg(&stream).query_async(redis).await.ok()?;
                let mut ask = redis::cmd("XINFO");
                let info: HashMap<String, Value> =
                    ask.arg("STREAM").arg(&stream).query_async(redis).await.ok()?;
                let quiet = groups[0]["pending"] == Value::Int(0)
                    && groups[0]["last-delivered-id"] == info["last-generated-id"];
                if !quiet {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    /// Gives every command once more.
    pub async fn repeat_all(&mut self) {
        let mut seen = HashSet::new();
        let again: Vec<Command> =
            self.given.iter().filter(|command| seen.insert(command.id)).cloned().collect();
        self.give(again).await;
    }

    /// Waits until nothing waits and nothing is pending.
    pub async fn quiet(&self) {
        eventually("nothing is left over", || async {
            let mut redis = self.connection().await?;
            self.is_quiet(&mut redis).await?.then_some(())
        })
        .await;
    }

    /// How many entries lie on all streams of commands, and of events.
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

    /// Waits until all is done, and checks what became of it: each command has one outcome, positions are
    /// dense, the order per auction is that in which its commands were given, and nothing is left over.
    pub async fn check(&self) {
        self.decided(self.different()).await;
        self.quiet().await;
        let database = database(&self.database_url).await;
        let one = async |query: &str| database.query_one(query, &[]).await.unwrap().get::<_, i64>(0);
        assert_eq!(one("SELECT count(*) FROM commands").await as u64, self.different(), "one outcome each");
        let heads = one("SELECT sum(head)::bigint FROM partitions").await;
        let events = one("SELECT count(*) FROM events").await;
        assert_eq!(events, heads, "dense");
        assert_eq!(events as u64, self.different(), "all were to be accepted, once");
        let mut seen = HashSet::new();
        let first = self.given.iter().filter(|command| seen.insert(command.id));
        let mut given: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        first.for_each(|command| given.entry(command.key).or_default().push(command.id.0));
        let mut stored: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        let in_order = "SELECT aggregate, command_id FROM events ORDER BY partition, position";
        for row in database.query(in_order, &[]).await.unwrap() {
            stored.entry(row.get(0)).or_default().push(row.get(1));
        }
        for (key, commands) in &given {
            assert_eq!(&stored[key], commands, "{key}: decided in the order in which they were given");
        }
        self.nothing_is_dead().await;
    }

    async fn nothing_is_dead(&self) {
        let mut redis = self.connection().await.unwrap();
        for partition in 0..PARTITIONS {
            let mut length = redis::cmd("XLEN");
            let dead = format!("ap:{{{partition:02}}}:dead");
            let dead: u64 = length.arg(dead).query_async(&mut redis).await.unwrap();
            assert_eq!(dead, 0, "dead letters of partition {partition}");
        }
    }

    /// So many auctions that end then, by the clock of Redis; nobody bids on them.
    pub async fn auctions_that_end(&mut self, count: u64, ends_at: Timestamp) {
        let create = |n: u64| {
            let auction = AuctionId(id(n % PARTITIONS, 100_000 + n));
            let mut command = create_auction(auction);
            if let CommandBody::Auction(AuctionCommand::CreateAuction(create)) = &mut command.body {
                create.ends_at = ends_at;
            }
            command
        };
        let first = self.given.len() as u64;
        self.give((first..first + count).map(create).collect()).await;
    }

    /// What Redis's clock says.
    pub async fn now(&self) -> Timestamp {
        eventually("redis says what time it is", || async {
            let mut redis = self.connection().await?;
            let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.ok()?;
            Some(Timestamp(1000 * seconds + micros / 1000))
        })
        .await
    }

    /// Which process of a group has the lease of each partition.
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

    /// How many partitions each process of a group has that has any; none while some have no owner.
    async fn shares(&self, group: &str) -> Option<Vec<usize>> {
        let mut shares: BTreeMap<String, usize> = BTreeMap::new();
        for owner in self.owners(group).await {
            *shares.entry(owner?).or_default() += 1;
        }
        let mut shares: Vec<usize> = shares.into_values().collect();
        shares.sort_unstable();
        Some(shares)
    }

    /// Waits until the processes of a group share the partitions like that; how long it took.
    pub async fn shared(&self, group: &str, as_: &[usize]) -> Duration {
        let began = Instant::now();
        eventually("the partitions are shared out", || async {
            (self.shares(group).await? == as_).then_some(())
        })
        .await;
        began.elapsed()
    }
}
