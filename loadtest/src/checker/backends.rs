//! Evidence from Redis and Postgres.

use super::evidence::{Partition, RunEvidence};
use super::{Check, CheckReport, judge};
use crate::Failure;
use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use crate::run::mix::Operation;
use auction_app::operator::verify::verify;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::{Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_redis::stream_info::RedisStreamInfo;
use auction_redis::views::RedisViews;
use auction_wire::{CommandId, Outcome, OutcomeResult, PartitionCount, PartitionId};
use deadpool_redis::{Manager, Pool, Runtime};
use redis::AsyncConnectionConfig;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

/// Events in one go.
const CHUNK: usize = 5_000;

/// How long everything that was taken may wait for its decision, and every auction for its result.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK: Duration = Duration::from_millis(50);

/// Notifications may take so long. A notifier that cannot go on is found out by what it did not tell.
const TELLING: Duration = Duration::from_secs(30);

/// A request to Redis takes no longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// The servers of a portal.
pub(crate) struct Stores {
    database: Client,
    stores: PostgresStoreConnector,
    redis: Pool,
    partitions: PartitionCount,
}

impl Stores {
    pub(crate) async fn connect(redis_url: &str, database_url: &str) -> Result<Stores, Failure> {
        let (database, connection) = tokio_postgres::connect(database_url, NoTls).await?;
        tokio::spawn(connection);
        let count: i64 = database.query_one("SELECT count(*) FROM partitions", &[]).await?.get(0);
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(DEADLINE));
        let redis = Pool::builder(Manager::new_with_config(redis_url, config)?)
            .max_size(4)
            .wait_timeout(Some(DEADLINE))
            .create_timeout(Some(DEADLINE))
            .runtime(Runtime::Tokio1)
            .build()?;
        let partitions = PartitionCount::new(u16::try_from(count)?)?;
        Ok(Stores { database, stores: PostgresStoreConnector::new(database_url)?, redis, partitions })
    }

    pub(crate) fn partitions(&self) -> PartitionCount {
        self.partitions
    }

    /// Waits until these users and auctions are there.
    pub(crate) async fn created(&self, world: &RunIds) -> Result<(), Failure> {
        let ids: Vec<Uuid> = world.users.iter().chain(&world.auctions).copied().collect();
        let query = "SELECT count(*) FROM commands WHERE command_id = ANY ($1)";
        let query = self.database.prepare(query).await?;
        let began = Instant::now();
        loop {
            let found: i64 = self.database.query_one(&query, &[&ids]).await?.get(0);
            if found as usize == ids.len() {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let all = ids.len();
                return Err(format!(
                    "{found} of {all} users and auctions after {PATIENCE:?}; does a writer run?"
                )
                .into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The newest position of each partition.
    pub(crate) async fn heads(&self) -> Result<Vec<u64>, Failure> {
        let rows = self.database.query("SELECT head FROM partitions ORDER BY id", &[]).await?;
        rows.iter().map(|row| Ok(u64::try_from(row.get::<_, i64>(0))?)).collect()
    }

    /// Waits until all commands that were taken are decided, and all auctions that must be. How long that took.
    pub(crate) async fn decided(
        &self,
        world: &RunIds,
        journal: &OperationLog,
        until_closed: bool,
    ) -> Result<Duration, Failure> {
        let began = Instant::now();
        let commands = "SELECT count(*) FROM commands WHERE command_id = ANY ($1)";
        let commands = self.database.prepare(commands).await?;
        let taken = |record: &&crate::run::history::Record| {
            matches!(record.status, 200..=202)
                && !record.command.is_nil()
                && record.ask.what != Operation::SignUp
        };
        let mut ids: Vec<Uuid> = journal.records.iter().filter(taken).map(|record| record.command).collect();
        ids.sort_unstable();
        ids.dedup();
        for chunk in ids.chunks(20_000) {
            while began.elapsed() < PATIENCE {
                let found: i64 = self.database.query_one(&commands, &[&chunk]).await?.get(0);
                if found as usize >= chunk.len() {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        let closed = "SELECT count(*) FROM events WHERE aggregate = ANY ($1) \
                      AND kind IN ('winner_announced', 'auction_closed_unsold', 'auction_cancelled')";
        while until_closed && began.elapsed() < PATIENCE {
            let found: i64 = self.database.query_one(closed, &[&world.auctions]).await?.get(0);
            if found as usize >= world.auctions.len() {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let took = began.elapsed();
        self.told().await?;
        Ok(took)
    }

    /// How many bids were doubled in a load's auctions.
    pub(crate) async fn doubled(&self, world: &RunIds) -> Result<u64, Failure> {
        let doubled = "SELECT count(*) FROM events WHERE aggregate = ANY ($1) AND kind = 'bid_doubled'";
        Ok(self.database.query_one(doubled, &[&world.auctions]).await?.get::<_, i64>(0).unsigned_abs())
    }

    /// Which of these commands have no outcome yet.
    pub(crate) async fn undecided(&self, mut commands: HashSet<Uuid>) -> Result<HashSet<Uuid>, Failure> {
        let ids: Vec<Uuid> = commands.iter().copied().collect();
        let decided = "SELECT command_id FROM commands WHERE command_id = ANY ($1)";
        for row in self.database.query(decided, &[&ids]).await? {
            commands.remove(&row.get(0));
        }
        Ok(commands)
    }

    /// Waits until everybody was told what happened. If nobody tells, that is found out by the judge.
    async fn told(&self) -> Result<(), Failure> {
        let behind = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                      WHERE coalesce(n.position, 0) < p.head";
        let began = Instant::now();
        while began.elapsed() < TELLING && self.database.query_one(behind, &[]).await?.get::<_, i64>(0) > 0 {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Everything that a run left behind since these heads.
    pub(crate) async fn evidence<'a>(
        &self,
        world: &'a RunIds,
        journal: &'a OperationLog,
        since: &[u64],
        until_closed: bool,
    ) -> Result<RunEvidence<'a>, Failure> {
        let mut store = self.stores.open().await?;
        let mut partitions = Vec::new();
        for (id, before) in self.partitions.all().zip(since) {
            let head = store.head(id).await?;
            let (mut events, mut after) = (Vec::new(), *before);
            loop {
                let chunk = store.events_after(id, after, CHUNK).await?;
                let Some(last) = chunk.last() else { break };
                after = last.position;
                // What came in since does not belong to it.
                events.extend(chunk.into_iter().filter(|event| event.position <= head));
                if after >= head {
                    break;
                }
            }
            partitions.push(Partition { id, before: *before, head, events });
        }
        let outcomes = self.outcomes(world, since, &partitions).await?;
        let told = Some(self.notifications(world).await?);
        Ok(RunEvidence { world, journal, partitions, outcomes, told, until_closed })
    }

    async fn outcomes(
        &self,
        world: &RunIds,
        since: &[u64],
        until: &[Partition],
    ) -> Result<Vec<Outcome>, Failure> {
        let query = "SELECT command_id, kind, key, fingerprint, partition, position, at, outcome FROM commands \
                     WHERE partition = $1 AND position BETWEEN $2 AND $3 AND kind IN ('place_bid', 'delete_bid')";
        let query = self.database.prepare(query).await?;
        let ours = world.auction_numbers();
        let mut all = Vec::new();
        for (before, partition) in since.iter().zip(until) {
            let bounds = (i64::try_from(*before)?, i64::try_from(partition.head)?);
            let id = i16::try_from(partition.id.0)?;
            for row in self.database.query(&query, &[&id, &bounds.0, &bounds.1]).await? {
                if ours.contains_key(&row.get::<_, Uuid>(2)) {
                    all.push(outcome(&row)?);
                }
            }
        }
        Ok(all)
    }

    async fn notifications(
        &self,
        world: &RunIds,
    ) -> Result<Vec<(UserId, auction_wire::notification::Notification)>, Failure> {
        let query =
            "SELECT user_id, id, news FROM notifications WHERE user_id = ANY ($1) ORDER BY user_id, seq";
        let rows = self.database.query(query, &[&world.users]).await?;
        rows.iter()
            .map(|row| {
                let news = serde_json::from_slice(row.get::<_, &[u8]>(2))?;
                let (cursor, read, id) = (String::new(), false, row.get(1));
                Ok((UserId(row.get(0)), auction_wire::notification::Notification { cursor, read, id, news }))
            })
            .collect()
    }

    /// Store, streams and read models hold the same, everywhere.
    async fn same_everywhere(&self) -> Result<Check, Failure> {
        let mut check = Check::new("store, event streams and read models hold the same");
        let views = RedisViews::new(self.redis.clone(), self.partitions);
        let streams = RedisStreamInfo::new(self.redis.clone());
        for report in verify(&self.stores, &streams, &views, self.partitions).await? {
            check.looked_at += report.stored + report.bids + report.auctions;
            check.more += report.more;
            for difference in report.differences {
                check.wrong(|| format!("partition {}: {difference}", report.partition));
            }
        }
        Ok(check)
    }

    /// Everything is judged that can be.
    pub(crate) async fn judge(
        &self,
        world: &RunIds,
        journal: &OperationLog,
        since: &[u64],
        until_closed: bool,
    ) -> Result<CheckReport, Failure> {
        let evidence = self.evidence(world, journal, since, until_closed).await?;
        let mut verdict = CheckReport { checks: judge(&evidence), not_checked: Vec::new() };
        if verdict.is_right() {
            verdict.checks.push(self.same_everywhere().await?);
        } else {
            // Read models that follow wrong events may never get there, and would be waited for.
            verdict
                .not_checked
                .push("streams and read models, since the events are wrong: portal verify".to_owned());
        }
        Ok(verdict)
    }
}

fn outcome(row: &Row) -> Result<Outcome, Failure> {
    Ok(Outcome {
        command: CommandId(row.get(0)),
        kind: row.get(1),
        key: row.get(2),
        fingerprint: row.get::<_, i64>(3) as u64,
        partition: PartitionId(u16::try_from(row.get::<_, i16>(4))?),
        position: u64::try_from(row.get::<_, i64>(5))?,
        at: Timestamp(row.get(6)),
        result: OutcomeResult::decode(row.get(7))?,
    })
}
