//! The event store: each store has a connection of its own.

use crate::append::append;
use crate::connection::{Connection, within};
use crate::durability::{check, read_only_reason};
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
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, SimpleQueryMessage};
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

/// Time limit of a request.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);

/// Returns the settings of connections that end when the server does not answer.
pub(crate) fn bounded_config(database_url: &str) -> Result<Config, tokio_postgres::Error> {
    let mut config: Config = database_url.parse()?;
    config.connect_timeout(Duration::from_secs(5));
    config.keepalives_idle(SILENCE_TIMEOUT).tcp_user_timeout(SILENCE_TIMEOUT);
    Ok(config)
}

/// Opens connections to one database.
#[derive(Clone, Debug)]
pub struct PostgresStoreConnector {
    config: Config,
    durability: Option<Durability>,
}

impl PostgresStoreConnector {
    /// Uses the database at `database_url`. It must be migrated before [`EventStoreConnector::open`].
    pub fn new(database_url: &str) -> Result<PostgresStoreConnector, tokio_postgres::Error> {
        let config = bounded_config(database_url)?;
        Ok(PostgresStoreConnector { config, durability: None }.with_options(OPTIONS))
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
        self.connect().await.map(drop)
    }

    /// Returns how many connections the server allows to this role and database.
    pub async fn max_connections(&self) -> Result<u64, Unavailable> {
        let mut connection = self.connect().await?;
        let rows = connection.query(sql!("max_connections"), &[]).await?;
        Ok(rows.first().map_or(0, |row| number(row, 0)))
    }

    /// Returns why nothing can be written on this server, if it answers and is a standby or read-only.
    pub async fn read_only_reason(&self) -> Result<Option<&'static str>, Unavailable> {
        let connection = Connection::open(&self.config, DEADLINE).await?;
        within(DEADLINE, read_only_reason(connection.client())).await
    }

    /// Returns whether a pooler without sessions is between this process and the server. Such a pooler runs the
    /// transactions of two clients in the same session (transaction mode), or rejects transactions (statement
    /// mode) or the settings of sessions.
    pub async fn is_transaction_pooled(&self) -> Result<bool, Unavailable> {
        let pooled = within(DEADLINE, async {
            let (one, other) =
                (Connection::open(&self.config, DEADLINE), Connection::open(&self.config, DEADLINE));
            let (one, other) = (one.await?, other.await?);
            shares_session(one.client(), other.client()).await.map_err(unavailable)
        });
        match pooled.await {
            Err(error) if is_from_pooler(&error) => Ok(true),
            pooled => pooled,
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connection, Unavailable> {
        self.connect_within(DEADLINE).await
    }

    /// Connects with another time limit, also for every request.
    pub(crate) async fn connect_within(&self, deadline: Duration) -> Result<Connection, Unavailable> {
        let connection = Connection::open(&self.config, deadline).await?;
        within(deadline, check(connection.client(), self.durability())).await?;
        Ok(connection)
    }

    /// Adds command line options of the sessions.
    pub(crate) fn with_options(mut self, options: &str) -> PostgresStoreConnector {
        let options = format!("{} {options}", self.config.get_options().unwrap_or_default());
        self.config.options(options);
        self
    }

    /// Returns the settings of connections, for a connection pool.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// Number of times that the sessions of two clients are compared. In between, other clients of a pooler can take
/// a session.
const COMPARISONS: usize = 5;

/// Returns whether a transaction of `other` runs in the session in which one of `one` ran, while both are
/// connected, or whether the session of `one` changes. Uses simple queries, because prepared statements can fail
/// behind a pooler.
async fn shares_session(one: &Client, other: &Client) -> Result<bool, tokio_postgres::Error> {
    let session = async |client: &Client| {
        let messages = client.simple_query("SELECT pg_backend_pid()").await?;
        Ok::<_, tokio_postgres::Error>(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    };
    let own = session(one).await?;
    for _ in 0..COMPARISONS {
        // A pooler gives the session that was used last to the next transaction.
        let current = session(one).await?;
        other.batch_execute("BEGIN").await?;
        let of_other = session(other).await?;
        other.batch_execute("ROLLBACK").await?;
        if own.is_some() && (current != own || of_other == own) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether a pooler rejected the settings of the session, or a transaction. The messages are those of
/// PgBouncer, which has one SQLSTATE for all of its errors.
fn is_from_pooler(error: &Unavailable) -> bool {
    let text = error.cause.to_string();
    ["unsupported startup parameter", "statement pooling mode"].iter().any(|part| text.contains(part))
}

impl EventStoreConnector for PostgresStoreConnector {
    type Store = PostgresStore;

    async fn open(&self) -> Result<PostgresStore, Unavailable> {
        self.connect().await.map(PostgresStore)
    }
}

/// An event store connection.
pub struct PostgresStore(Connection);

impl EventStore for PostgresStore {
    async fn head(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        let rows = self.0.query(sql!("head"), &[&(partition.0 as i16)]).await?;
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
        Ok(self.0.query(sql!("events_after"), params).await?.iter().map(event).collect())
    }

    async fn history(&mut self, keys: &[Uuid], until: u64) -> Result<Vec<EventRecord>, Unavailable> {
        let rows = self.0.query(sql!("history"), &[&keys, &bigint(until)]).await?;
        Ok(rows.iter().map(event).collect())
    }

    async fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> Result<AggregateHistory, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&keys, &bigint(until), &FORMAT.cast_signed()];
        let rows = self.0.query(sql!("history_since_snapshot"), params).await?;
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
        self.0.query(sql!("save_snapshot"), params).await.map(drop)
    }

    async fn outcomes(
        &mut self,
        partition: PartitionId,
        commands: &[CommandId],
    ) -> Result<Vec<Outcome>, Unavailable> {
        let ids: Vec<Uuid> = commands.iter().map(|command| command.0).collect();
        let partition = Some(partition.0.cast_signed());
        self.0.query(sql!("outcomes"), &[&ids, &partition]).await?.iter().map(outcome).collect()
    }

    async fn active_users(
        &mut self,
        partition: PartitionId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, Unavailable> {
        let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let rows = self.0.query(sql!("active_users"), &[&ids, &(partition.0 as i16)]).await?;
        Ok(rows.iter().map(|row| UserId(row.get(0))).collect())
    }

    async fn unfinished_bars(&mut self, partition: PartitionId) -> Result<Vec<UserId>, Unavailable> {
        let rows = self.0.query(sql!("unfinished_bars"), &[&(partition.0 as i16)]).await?;
        Ok(rows.iter().map(|row| UserId(row.get(0))).collect())
    }

    async fn open_auctions(&mut self, partition: PartitionId) -> Result<OpenAuctions, Unavailable> {
        let rows = self.0.query(sql!("open_auctions"), &[&(partition.0 as i16)]).await?;
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
        let rows = self.0.query(sql!("unrevealed_auctions"), &[&(partition.0 as i16)]).await?;
        let position = rows.first().map_or(0, |row| number(row, 0));
        let auctions = rows.iter().filter_map(|row| row.get::<_, Option<Uuid>>(1).map(AuctionId));
        Ok(UnrevealedAuctions { position, auctions: auctions.collect() })
    }

    async fn append(&mut self, batch: &AppendBatch) -> Result<AppendResult, Unavailable> {
        append(&mut self.0, batch).await
    }
}
