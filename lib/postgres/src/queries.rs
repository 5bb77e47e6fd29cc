//! Queries on a pool of connections: everything outside of the event store connections.

use crate::connection::{run_connection, within};
use crate::durability::check;
use crate::error::{ends_connection, no_connection};
use crate::inline_projections::bigint;
use crate::migrate::portal_id;
use crate::rows::{event, number, outcome};
use crate::{PostgresStoreConnector, unavailable};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::backend::Backend;
use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::heads::HeadReader;
use auction_app::ports::notifications::preferences::PreferenceReader;
use auction_app::ports::operator::dead_letters::FailedOutcomes;
use auction_domain::user::{NotificationPreferences, UserEvent};
use auction_domain::{AuctionId, UserId};
use auction_wire::{CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId, Positions};
use deadpool_postgres::{
    Client, ClientWrapper, Connect, Hook, HookError, Manager, ManagerConfig, Metrics, Pool, RecyclingMethod,
    Runtime,
};
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Error, NoTls, Row};
use uuid::Uuid;
use worker_runtime::ConnectionCutoff;

/// Time limit of a request, including the wait for a connection.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Connection pool for short queries.
///
/// A connection that ends is replaced, and the statement is run once more. A statement may therefore run twice
/// if the connection is lost after it was sent. Statements that must not run twice use
/// `query_once`.
#[derive(Clone)]
pub struct PostgresQueries {
    pool: Pool,
    /// Set when a connection ended: the others may be closed or read-only, too.
    cutoff: ConnectionCutoff,
}

impl PostgresQueries {
    /// Creates a pool of at most `size` connections, which are opened on demand.
    pub fn new(
        connector: &PostgresStoreConnector,
        size: usize,
    ) -> Result<PostgresQueries, deadpool_postgres::BuildError> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(connector.config().clone(), SessionConnect, config);
        let cutoff = ConnectionCutoff::default();
        let durability = connector.durability().cloned();
        let durability_check = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let durability = durability.clone();
            Box::pin(async move {
                let checked = check(client, durability.as_ref()).await;
                checked.map_err(|error| HookError::message(error.cause.to_string()))
            })
        });
        let ended = cutoff.clone();
        let check_age = Hook::sync_fn(move |client: &mut ClientWrapper, metrics: &Metrics| {
            if client.is_closed() || ended.excludes(metrics.created) {
                return Err(HookError::message("the connection, or another one since, has ended"));
            }
            Ok(())
        });
        let pool = Pool::builder(manager)
            .post_create(durability_check)
            .pre_recycle(check_age)
            .max_size(size)
            .wait_timeout(Some(TIMEOUT))
            .create_timeout(Some(TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(PostgresQueries { pool, cutoff })
    }

    pub(crate) async fn client(&self) -> Result<Client, Unavailable> {
        self.pool.get().await.map_err(no_connection)
    }

    /// Returns the id of this portal; `None` if the database is not migrated.
    pub async fn portal_id(&self) -> Result<Option<Uuid>, Unavailable> {
        within(TIMEOUT, async { portal_id(&*self.client().await?).await.map_err(unavailable) }).await
    }

    /// Returns a random secret that all processes of this portal share.
    pub async fn secret(&self, name: &str) -> Result<Vec<u8>, Unavailable> {
        let row = self.row("SELECT value FROM secrets WHERE name = $1", &[&name]).await?;
        Ok(row.get(0))
    }

    /// Runs a statement and returns its only row.
    pub(crate) async fn row(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Unavailable> {
        let rows = self.query(statement, params).await?;
        let none = || Unavailable::new("postgres", format!("no row from the statement {statement:?}"));
        rows.into_iter().next().ok_or_else(none)
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unavailable> {
        self.try_query(statement, params).await?.map_err(unavailable)
    }

    /// Runs a statement that must not run twice, and returns its rows. If the connection ends, the caller learns that
    /// the statement may have run.
    pub(crate) async fn query_once(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unavailable> {
        let rows = within(TIMEOUT, self.attempt(statement, params)).await?;
        rows.map_err(|error| {
            self.ended(&error);
            unavailable(error)
        })
    }

    async fn attempt(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Result<Vec<Row>, Error>, Unavailable> {
        let client = self.client().await?;
        Ok(async { client.query(&client.prepare_cached(statement).await?, params).await }.await)
    }

    /// Runs a statement and returns its rows. The inner error is the server's refusal of the statement, for
    /// example a unique violation.
    pub(crate) async fn try_query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Result<Vec<Row>, Error>, Unavailable> {
        within(TIMEOUT, async {
            let mut rows = self.attempt(statement, params).await?;
            if rows.as_ref().is_err_and(|error| self.ended(error)) {
                rows = self.attempt(statement, params).await?;
            }
            Ok(rows)
        })
        .await
    }

    /// Returns true if the connection ended with this error. It is not used again, and neither are the others
    /// that were opened before; the request may be sent once more.
    pub(crate) fn ended(&self, error: &Error) -> bool {
        let ended = ends_connection(error);
        if ended {
            self.cutoff.exclude_all();
        }
        ended
    }
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Opens the sessions of a pool.
struct SessionConnect;

impl Connect for SessionConnect {
    fn connect(&self, config: &Config) -> BoxFuture<Result<(tokio_postgres::Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            Ok((client, tokio::spawn(run_connection(connection))))
        })
    }
}

#[async_trait]
impl Backend for PostgresQueries {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        let row = self.row("SELECT current_setting('transaction_read_only')", &[]).await?;
        if row.get::<_, &str>(0) == "on" {
            self.cutoff.exclude_all();
            return Err(Unavailable::new("postgres", "the server is read-only: nothing can be stored"));
        }
        Ok(())
    }
}

#[async_trait]
impl OutcomeReader for PostgresQueries {
    async fn outcome(
        &self,
        command: CommandId,
        partition: Option<PartitionId>,
    ) -> Result<Option<Outcome>, Unavailable> {
        let partition = partition.map(|partition| partition.0.cast_signed());
        let rows = self.query(sql!("outcomes"), &[&[command.0].as_slice(), &partition]).await?;
        rows.first().map(outcome).transpose()
    }
}

#[async_trait]
impl AuctionEventReader for PostgresQueries {
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&auction.0, &bigint(after), &bigint(limit as u64)];
        let rows = self.query(sql!("events_of_auction"), params).await?;
        Ok(rows.iter().map(event).collect())
    }
}

#[async_trait]
impl HeadReader for PostgresQueries {
    async fn heads(&self) -> Result<Positions, Unavailable> {
        let rows = self.query(sql!("heads"), &[]).await?;
        let head = |row: &Row| (PartitionId(row.get::<_, i16>(0).cast_unsigned()), number(row, 1));
        Ok(rows.iter().map(head).collect())
    }
}

#[async_trait]
impl PreferenceReader for PostgresQueries {
    async fn preferences(&self, user: UserId) -> Result<Option<NotificationPreferences>, Unavailable> {
        let rows = self.query(sql!("newest_user_event"), &[&user.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (kind, schema, body): (&str, i16, &[u8]) = (row.get(0), row.get(1), row.get(2));
        let event = Event::decode(kind, schema.cast_unsigned(), body).map_err(unavailable)?;
        Ok(match event {
            Event::User(UserEvent::UserCreated) => Some(NotificationPreferences::default()),
            Event::User(UserEvent::NotificationPreferencesChanged(preferences)) => Some(preferences),
            Event::User(UserEvent::UserDeleted) => Some(NotificationPreferences::NONE),
            Event::Auction(_) | Event::Promoter(_) | Event::Bar(_) => None,
        })
    }
}

#[async_trait]
impl FailedOutcomes for PostgresQueries {
    async fn forget(
        &self,
        command: CommandId,
        partition: PartitionId,
        failure: &OutcomeResult,
    ) -> Result<bool, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&command.0, &failure.encode(), &partition.0.cast_signed()];
        let deleted = self.query(sql!("delete_failed_outcome"), params).await?;
        Ok(!deleted.is_empty())
    }
}
