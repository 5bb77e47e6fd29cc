//! A private portal for a row of the table, the load on it, and its progress.

use crate::Failure;
use crate::bench::resource_usage::Meter;
use crate::commands::{add_commands, command_of, create_auction, create_user, partitions};
use crate::local_portal::LocalPortal;
use crate::run::history::{OperationLog, Record};
use crate::run::ids::RunIds;
use crate::run::measure::{histogram, ms};
use crate::run::mix::Operation;
use crate::run::plan::{PlannedAuction, PlannedRequest};
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use crate::run::target::http::Http;
use crate::run::target::{self, client::Address};
use auction_app::ports::views::read_models::ReadModelReader;
use auction_domain::Timestamp;
use auction_postgres::PostgresStoreConnector;
use auction_redis::views::RedisReadModelReader;
use auction_redis::{RedisPool, keys};
use auction_testkit::free_address::own_address;
use auction_wire::PartitionCount;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Value};
use std::collections::HashMap;
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream_worker::entry::range_reply;
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time limit for reaching a position.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Time limit for a Redis request.
const REDIS_TIMEOUT: Duration = Duration::from_secs(60);

const REDIS_CONNECTIONS: usize = 4;

/// Components that consume events, which are also the names of their consumer groups.
pub(crate) const CONSUMERS: [&str; 4] = ["projector", "notifier", "promoter", "auctioneer"];

/// Components without a stored checkpoint: their progress is the last event delivered to their group.
const WITHOUT_CHECKPOINT: [&str; 2] = ["promoter", "auctioneer"];

/// Auctions that end later than any benchmark.
const LASTING: PlannedAuction = PlannedAuction { opening: 1, ends_after: 4_102_444_800_000, promoted: false };

/// Defines which user bids on which auction.
#[derive(Clone, Copy)]
pub(crate) struct BidPattern {
    pub(crate) users: usize,
    /// Number of the first auction.
    pub(crate) first: usize,
    pub(crate) auctions: usize,
    /// Bidders of each auction.
    pub(crate) bidders: usize,
}

impl BidPattern {
    /// Returns bid number `n`, which does not wait for its outcome. Auctions and their bidders take turns,
    /// and each bid is above all earlier ones.
    pub(crate) fn bid(self, n: usize) -> PlannedRequest {
        let (auction, round) = (n % self.auctions, n / self.auctions);
        let user = (auction + round % self.bidders) % self.users;
        let (user, auction, amount) = (user as u32, (self.first + auction) as u32, n as u64 + 1);
        PlannedRequest { due: 0, operation: Operation::BidAsync, user, auction, amount, key: 0 }
    }
}

/// A portal with users and auctions.
pub(crate) struct BenchPortal {
    pub(crate) portal: LocalPortal,
    pub(crate) database: Client,
    pub(crate) redis: MultiplexedConnection,
    pub(crate) partitions: PartitionCount,
    pub(crate) pool: RedisPool,
    pub(crate) run_ids: RunIds,
    /// Number of events when the last backlog was added, or all components were started.
    pub(crate) begin: u64,
}

impl BenchPortal {
    /// Starts the servers and creates users and auctions with a writer, which is ended.
    pub(crate) async fn start(users: usize, auctions: usize) -> Result<BenchPortal, Failure> {
        let mut portal = LocalPortal::start(None).await?;
        // No load shedding: the benchmark measures the maximum.
        portal.settings.push(("AUCTION__INGRESS__MAX_COMMAND_BACKLOG", u32::MAX.to_string()));
        let (database, connection) = tokio_postgres::connect(portal.servers.database_url(), NoTls).await?;
        tokio::spawn(connection);
        let client = redis::Client::open(portal.servers.redis_url())?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(REDIS_TIMEOUT));
        let redis = client.get_multiplexed_async_connection_with_config(&config).await?;
        let pool = RedisPool::new(client, REDIS_CONNECTIONS)?;
        let users = (0..users).map(|_| Uuid::now_v7()).collect();
        let run_ids = RunIds { users, auctions: Vec::new(), began: Timestamp(0) };
        let partitions = partitions()?;
        let mut bench = BenchPortal { portal, database, redis, partitions, pool, run_ids, begin: 0 };
        let creations = bench.run_ids.users.iter().map(|user| Ok(create_user(*user)));
        add_commands(&mut bench.redis.clone(), partitions, creations).await?;
        bench.add_auctions(auctions).await?;
        bench.portal.start_components(&["writer"])?;
        bench.wait_for_events((bench.run_ids.users.len() + auctions) as u64).await?;
        bench.portal.end(&["writer"])?;
        Ok(bench)
    }

    /// Adds the creation of more auctions to the streams.
    pub(crate) async fn add_auctions(&mut self, auctions: usize) -> Result<(), Failure> {
        let created = self.run_ids.auctions.len();
        self.run_ids.auctions.extend((0..auctions).map(|_| Uuid::now_v7()));
        let new = self.run_ids.auctions[created..].iter();
        let creations = new.map(|auction| create_auction(*auction, &LASTING, Timestamp(0)));
        add_commands(&mut self.redis, self.partitions, creations).await
    }

    /// Adds bids with these numbers to the streams.
    pub(crate) async fn add_bids(
        &mut self,
        bid_pattern: BidPattern,
        bids: Range<usize>,
    ) -> Result<(), Failure> {
        let commands = bids.map(|n| command_of(&self.run_ids, &bid_pattern.bid(n)));
        add_commands(&mut self.redis, self.partitions, commands).await
    }

    /// Starts all event consumers and waits until they have caught up.
    pub(crate) async fn start_consumers(&mut self) -> Result<(), Failure> {
        self.portal.start_components(&CONSUMERS)?;
        self.wait_until_readable(self.events().await?).await?;
        self.wait_until_notified().await
    }

    /// Starts all components except the ingress, and waits until they have caught up.
    pub(crate) async fn start_all(&mut self) -> Result<(), Failure> {
        self.portal.start_components(&["writer"])?;
        self.start_consumers().await?;
        self.begin = self.events().await?;
        sync_disks()
    }

    /// Starts an ingress and returns its client.
    pub(crate) async fn start_ingress(&mut self) -> Result<Http, Failure> {
        self.portal.start_components(&["ingress"])?;
        let address = self.portal.address.clone();
        self.portal.wait_until_ready(&address).await?;
        Ok(Http { address, token: None, load_balancer: None })
    }

    /// Starts a writer, or the bare probe, on a backlog. Returns the time until its first decision, a meter
    /// started then, and the number of events at that time: the start of the process and the acquisition of
    /// leases are not measured.
    pub(crate) async fn start_decider(&mut self, is_probe: bool) -> Result<(Duration, Meter, u64), Failure> {
        let (begin, began) = (self.events().await?, Instant::now());
        match is_probe {
            true => self.spawn_baseline(&["probe"])?,
            false => self.portal.start_components(&["writer"])?,
        }
        self.wait_for_events(begin + 1).await?;
        let start = began.elapsed();
        Ok((start, Meter::start()?, self.events().await?))
    }

    /// Sends bids over this many connections when they are due, and returns the responses.
    pub(crate) async fn place_bids(
        &self,
        http: &Http,
        connections: usize,
        bids: impl Iterator<Item = PlannedRequest> + Send + 'static,
    ) -> Result<Vec<Record>, Failure> {
        place_bids(http, &Arc::new(self.run_ids.clone()), connections, bids).await
    }

    pub(crate) fn stores(&self) -> Result<PostgresStoreConnector, Failure> {
        Ok(PostgresStoreConnector::new(self.portal.servers.database_url())?)
    }

    /// Returns the number of stored events.
    pub(crate) async fn events(&self) -> Result<u64, Failure> {
        let query = "SELECT sum(head)::bigint FROM partitions";
        Ok(u64::try_from(self.database.query_one(query, &[]).await?.get::<_, i64>(0))?)
    }

    /// Waits until this many events are stored.
    pub(crate) async fn wait_for_events(&self, events: u64) -> Result<(), Failure> {
        wait_for("stored", events, async || self.events().await).await
    }

    /// Waits until this many events are published.
    pub(crate) async fn wait_until_published(&self, events: u64) -> Result<(), Failure> {
        wait_for("published", events, async || self.published().await).await
    }

    /// Waits until this many events are in the read models and delivered to promoter and auctioneer.
    pub(crate) async fn wait_until_readable(&self, events: u64) -> Result<(), Failure> {
        let views = RedisReadModelReader::new(self.pool.clone(), self.partitions);
        let readable = async || {
            let checkpoints = self.partitions.all().map(|partition| views.checkpoint(partition));
            Ok(futures_util::future::try_join_all(checkpoints).await?.iter().sum())
        };
        wait_for("readable", events, readable).await?;
        for component in WITHOUT_CHECKPOINT {
            let what = format!("delivered to the {component}");
            wait_for(&what, events, async || self.delivered_to(component).await).await?;
        }
        Ok(())
    }

    /// Waits until all consumers have handled this many events more than at the start.
    pub(crate) async fn wait_until_handled(&self, events: usize) -> Result<(), Failure> {
        self.wait_until_readable(self.begin + events as u64).await?;
        self.wait_until_notified().await
    }

    /// Waits until the notifier has handled all events.
    pub(crate) async fn wait_until_notified(&self) -> Result<(), Failure> {
        let query = "SELECT coalesce(sum(position), 0)::bigint FROM notifier_checkpoints";
        let notified =
            async || Ok(self.database.query_one(query, &[]).await?.get::<_, i64>(0).cast_unsigned());
        wait_for("handled by the notifier", self.events().await?, notified).await?;
        let outgoing = "SELECT (count(*) = 0)::int::bigint FROM outgoing_notifications";
        let placed =
            async || Ok(self.database.query_one(outgoing, &[]).await?.get::<_, i64>(0).cast_unsigned());
        wait_for("placed in inboxes", 1, placed).await
    }

    async fn published(&self) -> Result<u64, Failure> {
        let mut queries = redis::pipe();
        for partition in self.partitions.all() {
            let stream = keys::events(partition);
            queries.cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        }
        let replies: Vec<Value> = queries.query_async(&mut self.redis.clone()).await?;
        let last = |reply| Ok(range_reply(reply)?.first().map_or(0, |last| last.id.ms));
        replies.into_iter().map(last).sum()
    }

    async fn delivered_to(&self, group: &str) -> Result<u64, Failure> {
        let mut queries = redis::pipe();
        for partition in self.partitions.all() {
            queries.cmd("XINFO").arg("GROUPS").arg(keys::events(partition));
        }
        let streams: Vec<Vec<HashMap<String, Value>>> = queries.query_async(&mut self.redis.clone()).await?;
        let mut delivered = 0;
        for info in streams.iter().flatten() {
            let text = |name: &str| match info.get(name) {
                Some(Value::BulkString(text)) => std::str::from_utf8(text).ok(),
                _ => None,
            };
            if text("name") == Some(group) {
                let last = text("last-delivered-id").and_then(|last| last.split('-').next());
                delivered += last.ok_or("no last-delivered-id")?.parse::<u64>()?;
            }
        }
        Ok(delivered)
    }

    /// Returns an error unless this many bids were accepted, each once, and no other outcome of a bid is
    /// stored.
    pub(crate) async fn verify_all_accepted(&self, bids: usize) -> Result<(), Failure> {
        let query = "SELECT (SELECT count(*) FROM events WHERE kind = 'bid_placed'), \
                     (SELECT count(*) FROM command_outcomes WHERE kind = 'place_bid')";
        let row = self.database.query_one(query, &[]).await?;
        let (placed, outcomes) = (row.get::<_, i64>(0) as usize, row.get::<_, i64>(1) as usize);
        if (placed, outcomes) == (bids, bids) {
            return Ok(());
        }
        Err(format!("{placed} bids and {outcomes} outcomes are stored, expected {bids} of each").into())
    }

    /// Waits until all users are notified, verifies that all bids were accepted, and stops everything.
    pub(crate) async fn stop(self, bids: usize) -> Result<(), Failure> {
        self.wait_until_notified().await?;
        self.verify_all_accepted(bids).await?;
        self.portal.stop().await
    }

    /// Starts bare HTTP handlers with these options, and returns their client.
    pub(crate) async fn start_bare_handlers(&mut self, options: &[&str]) -> Result<Http, Failure> {
        let address = Address { host: own_address()?.to_string() };
        self.spawn_baseline(&[&["bare", &address.host], options].concat())?;
        self.portal.wait_until_ready(&address).await?;
        Ok(Http { address, token: None, load_balancer: None })
    }

    /// Starts this program as the baseline of a row.
    pub(crate) fn spawn_baseline(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        self.portal.spawn(arguments[0], command.arg("bench").args(arguments))
    }
}

/// Sends bids over this many connections when they are due, and returns the responses.
pub(crate) async fn place_bids(
    http: &Http,
    run_ids: &Arc<RunIds>,
    connections: usize,
    bids: impl Iterator<Item = PlannedRequest> + Send + 'static,
) -> Result<Vec<Record>, Failure> {
    let mut workers = http.workers(run_ids, connections);
    for worker in &mut workers {
        worker.connection().await?;
    }
    let queue = Arc::new(Queue::new(Instant::now().into()));
    let (_stop_sender, stop) = watch::channel(false);
    let (mut log, counts) = (OperationLog::default(), Arc::new(Counts::default()));
    let work = target::work(workers, &queue, &mut log, &counts);
    tokio::join!(queue.enqueue_when_due(bids, &stop), work).1?;
    match log.records.iter().find(|record| !matches!(record.status, 201 | 202)) {
        Some(failed) => Err(log.describe(failed).into()),
        None => Ok(log.records),
    }
}

/// Returns a percentile of times in microseconds, as milliseconds; `quantile` is from 0 to 1.
pub(crate) fn percentile(times_us: impl Iterator<Item = u64>, quantile: f64) -> f64 {
    let mut all = histogram();
    times_us.for_each(|time| all.saturating_record(time.max(1)));
    ms(all.value_at_quantile(quantile))
}

async fn wait_for(
    what: &str,
    events: u64,
    reached: impl AsyncFn() -> Result<u64, Failure>,
) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let count = reached().await?;
        if count >= events {
            return Ok(());
        }
        if began.elapsed() > TIMEOUT {
            return Err(format!("only {count} of {events} events were {what} within {TIMEOUT:?}").into());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Flushes all pending writes to disk, so that they do not disturb the measurement.
pub(crate) fn sync_disks() -> Result<(), Failure> {
    Command::new("sync").status()?;
    Ok(())
}
