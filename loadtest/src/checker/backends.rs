//! Collects the evidence of a run from Redis and Postgres.

use super::evidence::{Partition, RunEvidence};
use super::{Check, CheckReport, run_checks};
use crate::Failure;
use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use crate::run::mix::Operation;
use auction_app::operator::verify::verify;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::{Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_redis::RedisPool;
use auction_redis::stream_info::RedisStreamInfo;
use auction_redis::views::RedisReadModelReader;
use auction_wire::{CommandId, Outcome, OutcomeResult, PartitionCount, PartitionId};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

const EVENTS_PER_READ: usize = 5_000;

/// Time limit for deciding all accepted commands and closing all auctions.
const TIMEOUT: Duration = Duration::from_secs(120);

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Time limit for notifications. Missing notifications are reported by the checks.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(30);

/// Time limit for a Redis request.
const REDIS_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections to the Redis and Postgres of a portal.
pub(crate) struct Backends {
    database: Client,
    store_connector: PostgresStoreConnector,
    redis: RedisPool,
    partitions: PartitionCount,
}

impl Backends {
    pub(crate) async fn connect(redis_url: &str, database_url: &str) -> Result<Backends, Failure> {
        let (database, connection) = tokio_postgres::connect(database_url, NoTls).await?;
        tokio::spawn(connection);
        let count: i64 = database.query_one("SELECT count(*) FROM partitions", &[]).await?.get(0);
        let redis = RedisPool::with_timeout(redis::Client::open(redis_url)?, 4, REDIS_TIMEOUT)?;
        let partitions = PartitionCount::new(u16::try_from(count)?)?;
        Ok(Backends {
            database,
            store_connector: PostgresStoreConnector::new(database_url)?,
            redis,
            partitions,
        })
    }

    pub(crate) fn partitions(&self) -> PartitionCount {
        self.partitions
    }

    /// Waits until all users and auctions of the run are created.
    pub(crate) async fn wait_until_created(&self, run_ids: &RunIds) -> Result<(), Failure> {
        let ids: Vec<Uuid> = run_ids.users.iter().chain(&run_ids.auctions).copied().collect();
        let query = "SELECT count(*) FROM command_outcomes WHERE command_id = ANY ($1)";
        let query = self.database.prepare(query).await?;
        let began = Instant::now();
        loop {
            let found: i64 = self.database.query_one(&query, &[&ids]).await?.get(0);
            if found as usize == ids.len() {
                return Ok(());
            }
            if began.elapsed() > TIMEOUT {
                let all = ids.len();
                return Err(format!(
                    "only {found} of {all} users and auctions were created within {TIMEOUT:?}; check that a writer is running"
                )
                .into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the head of each partition.
    pub(crate) async fn heads(&self) -> Result<Vec<u64>, Failure> {
        let rows = self.database.query("SELECT head FROM partitions ORDER BY id", &[]).await?;
        rows.iter().map(|row| Ok(u64::try_from(row.get::<_, i64>(0))?)).collect()
    }

    /// Waits until all accepted commands are decided and, if required, all auctions are closed. Returns the
    /// time this took.
    pub(crate) async fn wait_until_decided(
        &self,
        run_ids: &RunIds,
        log: &OperationLog,
        until_closed: bool,
    ) -> Result<Duration, Failure> {
        let began = Instant::now();
        let commands = "SELECT count(*) FROM command_outcomes WHERE command_id = ANY ($1)";
        let commands = self.database.prepare(commands).await?;
        let is_accepted = |record: &&crate::run::history::Record| {
            matches!(record.status, 200..=202)
                && !record.command.is_nil()
                && record.request.operation != Operation::SignUp
        };
        let mut ids: Vec<Uuid> =
            log.records.iter().filter(is_accepted).map(|record| record.command).collect();
        ids.sort_unstable();
        ids.dedup();
        for chunk in ids.chunks(20_000) {
            while began.elapsed() < TIMEOUT {
                let found: i64 = self.database.query_one(&commands, &[&chunk]).await?.get(0);
                if found as usize >= chunk.len() {
                    break;
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        }
        let closed = "SELECT count(*) FROM events WHERE aggregate = ANY ($1) \
                      AND kind IN ('winner_announced', 'auction_closed_unsold', 'auction_cancelled')";
        while until_closed && began.elapsed() < TIMEOUT {
            let found: i64 = self.database.query_one(closed, &[&run_ids.auctions]).await?.get(0);
            if found as usize >= run_ids.auctions.len() {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        // The bids of deleted users are retracted after the deletion.
        let unfinished = "SELECT (SELECT count(*) FROM deletions WHERE NOT finished) \
                          + (SELECT count(*) FROM barred_users WHERE NOT finished)";
        while began.elapsed() < TIMEOUT
            && self.database.query_one(unfinished, &[]).await?.get::<_, i64>(0) > 0
        {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let took = began.elapsed();
        self.wait_until_notified().await?;
        Ok(took)
    }

    /// Returns the number of doubled bids in the auctions of a run.
    pub(crate) async fn doubled(&self, run_ids: &RunIds) -> Result<u64, Failure> {
        let doubled = "SELECT count(*) FROM events WHERE aggregate = ANY ($1) AND kind = 'bid_doubled'";
        Ok(self.database.query_one(doubled, &[&run_ids.auctions]).await?.get::<_, i64>(0).unsigned_abs())
    }

    /// Returns those of the commands that have no outcome.
    pub(crate) async fn undecided(&self, mut commands: HashSet<Uuid>) -> Result<HashSet<Uuid>, Failure> {
        let ids: Vec<Uuid> = commands.iter().copied().collect();
        let decided = "SELECT command_id FROM command_outcomes WHERE command_id = ANY ($1)";
        for row in self.database.query(decided, &[&ids]).await? {
            commands.remove(&row.get(0));
        }
        Ok(commands)
    }

    /// Waits until the notifier has handled all events, or the time limit; the checks report missing
    /// notifications.
    async fn wait_until_notified(&self) -> Result<(), Failure> {
        let lagging = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                      WHERE coalesce(n.position, 0) < p.head \
                      OR EXISTS (SELECT FROM outgoing_notifications o WHERE o.partition = p.id)";
        let began = Instant::now();
        while began.elapsed() < NOTIFY_TIMEOUT
            && self.database.query_one(lagging, &[]).await?.get::<_, i64>(0) > 0
        {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Collects the evidence of a run: everything stored since these heads.
    pub(crate) async fn evidence<'a>(
        &self,
        run_ids: &'a RunIds,
        log: &'a OperationLog,
        since: &[u64],
        until_closed: bool,
    ) -> Result<RunEvidence<'a>, Failure> {
        let mut store = self.store_connector.open().await?;
        let mut partitions = Vec::new();
        for (id, before) in self.partitions.all().zip(since) {
            let head = store.head(id).await?;
            let (mut events, mut after) = (Vec::new(), *before);
            loop {
                let chunk = store.events_after(id, after, EVENTS_PER_READ).await?;
                let Some(last) = chunk.last() else { break };
                after = last.position;
                // Events stored after the head was read are not part of the evidence.
                events.extend(chunk.into_iter().filter(|event| event.position <= head));
                if after >= head {
                    break;
                }
            }
            partitions.push(Partition { id, before: *before, head, events });
        }
        let outcomes = self.outcomes(run_ids, since, &partitions).await?;
        let notifications = Some(self.notifications(run_ids).await?);
        Ok(RunEvidence { run_ids, log, partitions, outcomes, notifications, until_closed })
    }

    async fn outcomes(
        &self,
        run_ids: &RunIds,
        since: &[u64],
        until: &[Partition],
    ) -> Result<Vec<Outcome>, Failure> {
        let query = "SELECT command_id, kind, key, fingerprint, partition, position, at, outcome \
                     FROM command_outcomes \
                     WHERE partition = $1 AND position BETWEEN $2 AND $3 AND kind IN ('place_bid', 'delete_bid')";
        let query = self.database.prepare(query).await?;
        let ours = run_ids.auction_numbers();
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
        run_ids: &RunIds,
    ) -> Result<Vec<(UserId, auction_wire::notification::Notification)>, Failure> {
        let query =
            "SELECT user_id, id, content FROM notifications WHERE user_id = ANY ($1) ORDER BY user_id, seq";
        let rows = self.database.query(query, &[&run_ids.users]).await?;
        rows.iter()
            .map(|row| {
                let news = serde_json::from_slice(row.get::<_, &[u8]>(2))?;
                let (cursor, read, id) = (String::new(), false, row.get(1));
                Ok((
                    UserId(row.get(0)),
                    auction_wire::notification::Notification { cursor, read, id, content: news },
                ))
            })
            .collect()
    }

    /// Compares the event store, the event streams and the read models.
    async fn same_everywhere(&self) -> Result<Check, Failure> {
        let mut check = Check::new("event store, event streams and read models are equal");
        let views = RedisReadModelReader::new(self.redis.clone(), self.partitions);
        let streams = RedisStreamInfo::new(self.redis.clone());
        for report in verify(&self.store_connector, &streams, &views, self.partitions).await? {
            check.checked += report.stored + report.documents + report.entries;
            check.more_failures += report.more;
            for difference in report.differences {
                check.fail(|| format!("partition {}: {difference}", report.partition));
            }
        }
        Ok(check)
    }

    /// Collects the evidence of a run and checks it.
    pub(crate) async fn check(
        &self,
        run_ids: &RunIds,
        log: &OperationLog,
        since: &[u64],
        until_closed: bool,
    ) -> Result<CheckReport, Failure> {
        let evidence = self.evidence(run_ids, log, since, until_closed).await?;
        let mut check_report = CheckReport { checks: run_checks(&evidence), not_checked: Vec::new() };
        if check_report.passed() {
            check_report.checks.push(self.same_everywhere().await?);
        } else {
            // Read models of invalid events may never become complete, so comparing them could wait forever.
            check_report.not_checked.push(
                "streams and read models, because the events failed a check; run `portal verify`".to_owned(),
            );
        }
        Ok(check_report)
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
