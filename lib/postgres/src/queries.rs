//! Queries on a pool of connections: everything outside of the event store connections.

use crate::connection::within;
use crate::durability::check;
use crate::inline_projections::bigint;
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
use deadpool_postgres::{Client, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, NoTls, Row};

/// Time limit of a request, including the wait for a connection.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Connection pool for short queries.
#[derive(Clone)]
pub struct PostgresQueries(Pool);

impl PostgresQueries {
    /// Creates a pool of at most `size` connections, which are opened on demand.
    pub fn new(
        connector: &PostgresStoreConnector,
        size: usize,
    ) -> Result<PostgresQueries, deadpool_postgres::BuildError> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(connector.config().clone(), NoTls, config);
        let durability = connector.durability().cloned();
        let durability_check = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let durability = durability.clone();
            Box::pin(async move {
                let checked = check(client, durability.as_ref()).await;
                checked.map_err(|error| HookError::message(error.to_string()))
            })
        });
        let pool = Pool::builder(manager)
            .post_create(durability_check)
            .max_size(size)
            .wait_timeout(Some(TIMEOUT))
            .create_timeout(Some(TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(PostgresQueries(pool))
    }

    pub(crate) async fn client(&self) -> Result<Client, Unavailable> {
        self.0.get().await.map_err(unavailable)
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

    /// Runs a statement and returns its rows. The inner error is the server's refusal of the statement, for
    /// example a unique violation.
    pub(crate) async fn try_query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Result<Vec<Row>, Error>, Unavailable> {
        within(TIMEOUT, async {
            let client = self.client().await?;
            let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
            Ok(client.query(&statement, params).await)
        })
        .await
    }
}

#[async_trait]
impl Backend for PostgresQueries {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        let rows = self.query("SELECT current_setting('transaction_read_only')::bool", &[]).await?;
        match rows.first().map(|row| row.get(0)) {
            Some(true) => Err(Unavailable::new("postgres", "the server is read-only: nothing can be stored")),
            _ => Ok(()),
        }
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
    async fn forget(&self, command: CommandId, failure: &OutcomeResult) -> Result<bool, Unavailable> {
        let deleted = self.query(sql!("delete_failed_outcome"), &[&command.0, &failure.encode()]).await?;
        Ok(!deleted.is_empty())
    }
}
