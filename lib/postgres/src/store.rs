//! The event store of one lane: a connection of its own, statements prepared once.

use crate::append::AppendStatement;
use crate::durability::check;
use crate::inline_projections::bigint;
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::durability::Durability;
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendBatch, AppendResult, EventStore, EventStoreConnector, OpenAuctions,
    UnrevealedAuctions,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::snapshot::FORMAT;
use auction_wire::{CommandId, EventRecord, Outcome, OutcomeResult, PartitionId, SnapshotRecord};
use futures_util::join;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};
use uuid::Uuid;

/// A statement that takes longer is cancelled by the server, and tried again. A transaction that stands
/// still, because its process was paused, is ended: it holds locks that others wait for. Plans are made once: by
/// itself the server takes a statement over arrays for cheaper when it knows their lengths, and plans it anew each
/// time, which cost more than a small batch.
const OPTIONS: &str = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=10s \
                       -c default_transaction_isolation=read\\ committed -c application_name=auction \
                       -c plan_cache_mode=force_generic_plan";

/// A server that does not answer at all is given up sooner than the kernel would.
const SILENCE: Duration = Duration::from_secs(20);

/// Nothing takes longer: past this the connection is dropped, whatever became of the request.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);

/// Makes connections to one database.
#[derive(Clone, Debug)]
pub struct PostgresStoreConnector {
    config: Config,
    durability: Option<Durability>,
}

impl PostgresStoreConnector {
    /// For that database, which must be migrated.
    pub fn new(database_url: &str) -> Result<PostgresStoreConnector, tokio_postgres::Error> {
        let mut config: Config = database_url.parse()?;
        let options = format!("{} {OPTIONS}", config.get_options().unwrap_or_default());
        config.options(options).connect_timeout(Duration::from_secs(5));
        config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        Ok(PostgresStoreConnector { config, durability: None })
    }

    /// Every new connection asks whether the server keeps what it acknowledges.
    pub fn checked(self, durability: Durability) -> PostgresStoreConnector {
        PostgresStoreConnector { durability: Some(durability), ..self }
    }

    /// By what new connections are judged, if they are.
    pub(crate) fn durability(&self) -> Option<&Durability> {
        self.durability.as_ref()
    }

    /// Connects and judges the server, no more; its tables need not be there.
    pub async fn check(&self) -> Result<(), Unavailable> {
        within(DEADLINE, async { self.connect().await.map(drop) }).await
    }

    pub(crate) async fn connect(&self) -> Result<Client, Unavailable> {
        let (client, connection) = self.config.connect(NoTls).await.map_err(unavailable)?;
        // It ends with the client, or with an error that the client's next request reports.
        tokio::spawn(connection);
        check(&client, self.durability()).await?;
        Ok(client)
    }

    /// How connections are made, for a pool of them.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl EventStoreConnector for PostgresStoreConnector {
    type Store = PostgresStore;

    async fn open(&self) -> Result<PostgresStore, Unavailable> {
        within(DEADLINE, async {
            let client = self.connect().await?;
            let statements = Statements::prepare(&client).await?;
            Ok(PostgresStore { client, statements })
        })
        .await
    }
}

/// One connection.
pub struct PostgresStore {
    client: Client,
    statements: Statements,
}

struct Statements {
    append: AppendStatement,
    head: Statement,
    events_after: Statement,
    history: Statement,
    history_since_snapshot: Statement,
    save_snapshot: Statement,
    outcomes: Statement,
    active_users: Statement,
    deletions_after: Statement,
    newest_deletion: Statement,
    open_auctions: Statement,
    unrevealed_auctions: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Statements, Unavailable> {
        macro_rules! query {
            ($name:literal) => {
                client.prepare(include_str!(concat!("../../../sql/queries/", $name, ".sql")))
            };
        }
        let (history_since_snapshot, save_snapshot, unrevealed) =
            join!(query!("history_since_snapshot"), query!("save_snapshot"), query!("unrevealed_auctions"));
        let (append, head, events_after, history, outcomes, active_users, deletions, newest, open) = join!(
            AppendStatement::prepare(client),
            query!("head"),
            query!("events_after"),
            query!("history"),
            query!("outcomes"),
            query!("active_users"),
            query!("deletions_after"),
            query!("newest_deletion"),
            query!("open_auctions"),
        );
        Ok(Statements {
            append: append?,
            head: head.map_err(unavailable)?,
            events_after: events_after.map_err(unavailable)?,
            history: history.map_err(unavailable)?,
            history_since_snapshot: history_since_snapshot.map_err(unavailable)?,
            save_snapshot: save_snapshot.map_err(unavailable)?,
            outcomes: outcomes.map_err(unavailable)?,
            active_users: active_users.map_err(unavailable)?,
            deletions_after: deletions.map_err(unavailable)?,
            newest_deletion: newest.map_err(unavailable)?,
            open_auctions: open.map_err(unavailable)?,
            unrevealed_auctions: unrevealed.map_err(unavailable)?,
        })
    }
}

impl PostgresStore {
    async fn query(
        &self,
        statement: &Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unavailable> {
        within(DEADLINE, async { self.client.query(statement, params).await.map_err(unavailable) }).await
    }
}

impl EventStore for PostgresStore {
    async fn head(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        let rows = self.query(&self.statements.head, &[&(partition.0 as i16)]).await?;
        let row =
            rows.first().ok_or_else(|| Unavailable::new("postgres", format!("no partition {partition}")))?;
        Ok(number(row, 0))
    }

    async fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&(partition.0 as i16), &bigint(after), &bigint(limit as u64)];
        Ok(self.query(&self.statements.events_after, params).await?.iter().map(event).collect())
    }

    async fn history(&mut self, keys: &[Uuid], until: u64) -> Result<Vec<EventRecord>, Unavailable> {
        let rows = self.query(&self.statements.history, &[&keys, &bigint(until)]).await?;
        Ok(rows.iter().map(event).collect())
    }

    async fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> Result<AggregateHistory, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&keys, &bigint(until), &FORMAT.cast_signed()];
        let rows = self.query(&self.statements.history_since_snapshot, params).await?;
        let mut history = AggregateHistory::default();
        for row in &rows {
            match row.get::<_, Option<&str>>(3) {
                Some(_) => history.events.push(event(row)),
                None => history.snapshots.push(snapshot(row)),
            }
        }
        Ok(history)
    }

    async fn save_snapshot(&mut self, snapshot: &SnapshotRecord) -> Result<(), Unavailable> {
        let SnapshotRecord { key, version, position, format, body } = snapshot;
        let format = format.cast_signed();
        let params: &[&(dyn ToSql + Sync)] = &[key, &bigint(*version), &bigint(*position), &format, body];
        self.query(&self.statements.save_snapshot, params).await.map(drop)
    }

    async fn outcomes(&mut self, commands: &[CommandId]) -> Result<Vec<Outcome>, Unavailable> {
        let ids: Vec<Uuid> = commands.iter().map(|command| command.0).collect();
        self.query(&self.statements.outcomes, &[&ids]).await?.iter().map(outcome).collect()
    }

    async fn active_users(&mut self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let rows = self.query(&self.statements.active_users, &[&ids]).await?;
        Ok(rows.iter().map(|row| UserId(row.get(0))).collect())
    }

    async fn deletions_after(&mut self, after: u64) -> Result<Vec<(u64, UserId)>, Unavailable> {
        let rows = self.query(&self.statements.deletions_after, &[&bigint(after)]).await?;
        Ok(rows.iter().map(|row| (number(row, 0), UserId(row.get(1)))).collect())
    }

    async fn newest_deletion(&mut self) -> Result<u64, Unavailable> {
        let rows = self.query(&self.statements.newest_deletion, &[]).await?;
        Ok(rows.first().map_or(0, |row| number(row, 0)))
    }

    async fn open_auctions(&mut self, partition: PartitionId) -> Result<OpenAuctions, Unavailable> {
        let rows = self.query(&self.statements.open_auctions, &[&(partition.0 as i16)]).await?;
        let position = rows.first().map_or(0, |row| number(row, 0));
        let auctions = rows.iter().filter_map(|row| {
            let auction: Option<Uuid> = row.get(1);
            auction.map(|auction| (AuctionId(auction), Timestamp(row.get(2))))
        });
        Ok(OpenAuctions { position, auctions: auctions.collect() })
    }

    async fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> Result<UnrevealedAuctions, Unavailable> {
        let rows = self.query(&self.statements.unrevealed_auctions, &[&(partition.0 as i16)]).await?;
        let position = rows.first().map_or(0, |row| number(row, 0));
        let auctions = rows.iter().filter_map(|row| row.get::<_, Option<Uuid>>(1).map(AuctionId));
        Ok(UnrevealedAuctions { position, auctions: auctions.collect() })
    }

    async fn append(&mut self, batch: &AppendBatch) -> Result<AppendResult, Unavailable> {
        within(DEADLINE, self.statements.append.run(&self.client, batch)).await
    }
}

/// An answer in time, or none: the server may be there and not answer, which no timeout of its own ends.
pub(crate) async fn within<T>(
    deadline: Duration,
    request: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let late = || Unavailable::new("postgres", format!("no answer within {} s", deadline.as_secs()));
    tokio::time::timeout(deadline, request).await.unwrap_or_else(|_| Err(late()))
}

pub(crate) fn number(row: &Row, column: usize) -> u64 {
    let number: i64 = row.get(column);
    // Positions and versions count up from one.
    u64::try_from(number).unwrap_or_default()
}

pub(crate) fn event(row: &Row) -> EventRecord {
    let schema: i16 = row.get(4);
    EventRecord {
        position: number(row, 0),
        key: row.get(1),
        version: number(row, 2),
        kind: row.get(3),
        schema: schema.cast_unsigned(),
        at: Timestamp(row.get(5)),
        cause: CommandId(row.get(6)),
        trace: String::new(),
        body: row.get(7),
    }
}

fn snapshot(row: &Row) -> SnapshotRecord {
    let format: i16 = row.get(4);
    SnapshotRecord {
        position: number(row, 0),
        key: row.get(1),
        version: number(row, 2),
        format: format.cast_unsigned(),
        body: row.get(7),
    }
}

pub(crate) fn outcome(row: &Row) -> Result<Outcome, Unavailable> {
    let (fingerprint, partition): (i64, i16) = (row.get(3), row.get(4));
    let result: &[u8] = row.get(7);
    Ok(Outcome {
        command: CommandId(row.get(0)),
        kind: row.get(1),
        key: row.get(2),
        fingerprint: fingerprint.cast_unsigned(),
        partition: PartitionId(partition.cast_unsigned()),
        position: number(row, 5),
        at: Timestamp(row.get(6)),
        result: OutcomeResult::decode(result).map_err(unavailable)?,
    })
}
