//! The event store: each store has a connection of its own, with statements that are prepared once.

use crate::append::AppendStatement;
use crate::durability::check;
use crate::inline_projections::bigint;
use crate::rows::{event, number, outcome, snapshot};
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendBatch, AppendResult, EventStore, EventStoreConnector, OpenAuctions,
    UnrevealedAuctions,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_durability::Durability;
use auction_wire::snapshot::FORMAT;
use auction_wire::{CommandId, EventRecord, Outcome, PartitionId, SnapshotRecord};
use futures_util::join;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};
use uuid::Uuid;

/// Settings of each session.
///
/// * `statement_timeout`: the server cancels a longer statement, and the caller tries again.
/// * `idle_in_transaction_session_timeout`: ends the transaction of a paused process, since other processes
///   may wait for its locks.
/// * `plan_cache_mode`: each statement is planned once. By default, Postgres estimates that a statement over
///   arrays is cheaper if the lengths are known, and plans it for every call, which costs more than a small
///   batch.
const OPTIONS: &str = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=10s \
                       -c default_transaction_isolation=read\\ committed -c application_name=auction \
                       -c plan_cache_mode=force_generic_plan";

/// A connection is closed if the server does not answer for this time; the kernel's default is much longer.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);

/// Time limit of a request. The effect of a request that exceeds it is unknown; the caller drops the
/// connection.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);

/// Opens connections to one database.
#[derive(Clone, Debug)]
pub struct PostgresStoreConnector {
    config: Config,
    durability: Option<Durability>,
}

impl PostgresStoreConnector {
    /// Uses the database at `database_url`. It must be migrated before [`EventStoreConnector::open`].
    pub fn new(database_url: &str) -> Result<PostgresStoreConnector, tokio_postgres::Error> {
        let mut config: Config = database_url.parse()?;
        let options = format!("{} {OPTIONS}", config.get_options().unwrap_or_default());
        config.options(options).connect_timeout(Duration::from_secs(5));
        config.keepalives_idle(SILENCE_TIMEOUT).tcp_user_timeout(SILENCE_TIMEOUT);
        Ok(PostgresStoreConnector { config, durability: None })
    }

    /// Adds a durability check of the server to every new connection.
    pub fn checked(self, durability: Durability) -> PostgresStoreConnector {
        PostgresStoreConnector { durability: Some(durability), ..self }
    }

    pub(crate) fn durability(&self) -> Option<&Durability> {
        self.durability.as_ref()
    }

    /// Opens a connection, checks the durability of the server, and closes the connection. Needs no tables.
    pub async fn check(&self) -> Result<(), Unavailable> {
        within(DEADLINE, async { self.connect().await.map(drop) }).await
    }

    pub(crate) async fn connect(&self) -> Result<Client, Unavailable> {
        let (client, connection) = self.config.connect(NoTls).await.map_err(unavailable)?;
        // The task ends with the client, or with an error that the client's next request reports.
        tokio::spawn(connection);
        check(&client, self.durability()).await?;
        Ok(client)
    }

    /// Returns the settings of connections, for a connection pool.
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

/// An event store connection.
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

/// Runs a request with a time limit on the client's side: a server that does not answer does not apply its
/// own timeouts.
pub(crate) async fn within<T>(
    deadline: Duration,
    request: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let timed_out = || Unavailable::new("postgres", format!("no answer within {} s", deadline.as_secs()));
    tokio::time::timeout(deadline, request).await.unwrap_or_else(|_| Err(timed_out()))
}
