//! What is asked beside the lanes, from a pool of connections.

use crate::durability::check;
use crate::inline_projections::bigint;
use crate::store::{event, number, outcome, within};
use crate::{PostgresStoreConnector, unavailable};
use auction_app::ports::Unavailable;
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
use tokio_postgres::{NoTls, Row};

/// How long a request may take, with the wait for a connection.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// A pool for short look-ups.
#[derive(Clone)]
pub struct PostgresQueries(Pool);

impl PostgresQueries {
    /// At most `size` connections, made when they are needed.
    pub fn new(
        stores: &PostgresStoreConnector,
        size: usize,
    ) -> Result<PostgresQueries, deadpool_postgres::BuildError> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(stores.config().clone(), NoTls, config);
        let durability = stores.durability().cloned();
        let asked = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let durability = durability.clone();
            Box::pin(async move {
                let judged = check(client, durability.as_ref()).await;
                judged.map_err(|error| HookError::message(error.to_string()))
            })
        });
        let pool = Pool::builder(manager)
            .post_create(asked)
            .max_size(size)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(PostgresQueries(pool))
    }

    pub(crate) async fn client(&self) -> Result<Client, Unavailable> {
        self.0.get().await.map_err(unavailable)
    }

    /// The random bytes that all processes of this portal share under a name.
    pub async fn secret(&self, name: &str) -> Result<Vec<u8>, Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            let row = client.query_one("SELECT value FROM secrets WHERE name = $1", &[&name]).await;
            Ok(row.map_err(unavailable)?.get(0))
        })
        .await
    }

    /// The one row that a statement returns.
    pub(crate) async fn row(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Unavailable> {
        within(WAIT, async {
            let client = self.0.get().await.map_err(unavailable)?;
            let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
            client.query_one(&statement, params).await.map_err(unavailable)
        })
        .await
    }

    /// The rows that a statement returns.
    pub(crate) async fn query(
        &self,
        statement: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unavailable> {
        within(WAIT, async {
            let client = self.0.get().await.map_err(unavailable)?;
            let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
            client.query(&statement, params).await.map_err(unavailable)
        })
        .await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            client.simple_query("SELECT 1").await.map(drop).map_err(unavailable)
        })
        .await
    }
}

impl OutcomeReader for PostgresQueries {
    async fn outcome(&self, command: CommandId) -> Result<Option<Outcome>, Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            let statement = include_str!("../../../sql/queries/outcomes.sql");
            let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
            let row = client.query_opt(&statement, &[&[command.0].as_slice()]).await.map_err(unavailable)?;
            row.as_ref().map(outcome).transpose()
        })
        .await
    }
}

impl AuctionEventReader for PostgresQueries {
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&auction.0, &bigint(after), &bigint(limit as u64)];
        let rows = self.query(include_str!("../../../sql/queries/events_of_auction.sql"), params).await?;
        Ok(rows.iter().map(event).collect())
    }
}

impl HeadReader for PostgresQueries {
    async fn heads(&self) -> Result<Positions, Unavailable> {
        let rows = self.query(include_str!("../../../sql/queries/heads.sql"), &[]).await?;
        let head = |row: &Row| (PartitionId(row.get::<_, i16>(0).cast_unsigned()), number(row, 1));
        Ok(rows.iter().map(head).collect())
    }
}

impl PreferenceReader for PostgresQueries {
    async fn subscriptions(&self, user: UserId) -> Result<Option<NotificationPreferences>, Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            let statement = include_str!("../../../sql/queries/newest_user_event.sql");
            let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
            let row = client.query_opt(&statement, &[&user.0]).await.map_err(unavailable)?;
            let Some(row) = row else { return Ok(None) };
            let (kind, schema, body): (&str, i16, &[u8]) = (row.get(0), row.get(1), row.get(2));
            let event = Event::decode(kind, schema.cast_unsigned(), body).map_err(unavailable)?;
            Ok(match event {
                Event::User(UserEvent::UserCreated) => Some(NotificationPreferences::default()),
                Event::User(UserEvent::SubscriptionsChanged(to)) => Some(to),
                Event::User(UserEvent::UserDeleted) => Some(NotificationPreferences::NONE),
                Event::Auction(_) | Event::Promoter(_) => None,
            })
        })
        .await
    }
}

impl FailedOutcomes for PostgresQueries {
    async fn forget(&self, command: CommandId, failure: &OutcomeResult) -> Result<bool, Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            let statement = include_str!("../../../sql/queries/forget_failure.sql");
            let forgotten = client.execute(statement, &[&command.0, &failure.encode()]).await;
            Ok(forgotten.map_err(unavailable)? > 0)
        })
        .await
    }
}
