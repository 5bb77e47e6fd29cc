//! Connections to Redis and Postgres, shared by all components of a process.

use crate::capacity::{self, CapacityError, TooManyConnections};
use crate::component::Component;
use crate::settings::{Settings, SettingsError};
use crate::tasks::Tasks;
use auction_app::ports::Unavailable;
use auction_durability::{Durability, InsufficientDurability};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::migrate::{MigrateError, migrate};
use auction_redis::RedisServer;
use auction_wire::PartitionCount;
use deadpool_redis::{Manager, Pool, Runtime};
use redis::{AsyncConnectionConfig, Client};
use std::time::Duration;
use thiserror::Error;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Timeout of a pooled Redis request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to the backends.
#[derive(Clone)]
pub struct Connections {
    /// For connections with a single owner, such as stream consumers.
    pub redis: RedisServer,
    /// For short requests of any task.
    pub redis_pool: Pool,
    pub stores: PostgresStoreConnector,
    pub partitions: PartitionCount,
    /// Durability required of both backends.
    pub durability: Durability,
}

/// Reasons the backends cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("redis_url is invalid: {0}")]
    RedisUrl(redis::RedisError),
    #[error("database_url is invalid: {0}")]
    DatabaseUrl(auction_postgres::UrlError),
    #[error("creating the Redis connection pool failed: {0}")]
    Pool(#[from] deadpool_redis::BuildError),
    /// The database schema cannot be migrated.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    InsufficientDurability(#[from] InsufficientDurability),
    #[error(transparent)]
    TooManyConnections(#[from] TooManyConnections),
    #[error(
        "postgres: a connection pooler in transaction mode, such as PgBouncer, is between this process and the \
         server. The portal needs sessions of its own: point DATABASE_URL to the server, or to a pool with \
         pool_mode = session and ignore_startup_parameters = options"
    )]
    TransactionPooling,
    /// The process was shut down before the backends were available.
    #[error("stopped while waiting for Redis and Postgres")]
    Stopped,
}

impl Connections {
    /// Connects lazily and without durability checks, for operator commands.
    pub fn new(settings: &Settings) -> Result<Connections, ConnectError> {
        let redis_url = settings.redis_url()?;
        let redis = Client::open(redis_url).map_err(ConnectError::RedisUrl)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REQUEST_TIMEOUT))
            .set_response_timeout(Some(REQUEST_TIMEOUT));
        let manager = Manager::new_with_config(redis_url, config).map_err(ConnectError::RedisUrl)?;
        let redis_pool = Pool::builder(manager)
            .max_size(settings.ingress.max_redis_connections.get())
            .wait_timeout(Some(REQUEST_TIMEOUT))
            .create_timeout(Some(REQUEST_TIMEOUT))
            .recycle_timeout(Some(REQUEST_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()?;
        let stores =
            PostgresStoreConnector::new(settings.database_url()?).map_err(ConnectError::DatabaseUrl)?;
        let allowed = Durability::allowing(settings.allow_weak_durability.iter().copied());
        let durability = if settings.require_replication { allowed.requiring_replication() } else { allowed };
        Ok(Connections {
            redis: redis.into(),
            redis_pool,
            stores,
            partitions: settings.partitions()?,
            durability,
        })
    }

    /// Connects a component. Both backends are available and durable, and the database schema is migrated.
    /// Durability is checked again on every new connection. Waits while a backend is unavailable.
    pub async fn ready(
        settings: &Settings,
        components: &[Component],
        supervisor: &Supervisor,
    ) -> Result<Connections, ConnectError> {
        let mut connections = Connections::new(settings)?;
        let durability = connections.durability.clone();
        connections.redis =
            RedisServer::durability_checked(connections.redis.client().clone(), durability.clone());
        connections.stores = connections.stores.checked(durability);
        let prepared =
            supervisor.until_success(async || match connections.prepare(settings, components).await {
                Err(ConnectError::Migrate(MigrateError::Unavailable(error))) => Err(error),
                result => Ok(result),
            });
        prepared.await.ok_or(ConnectError::Stopped)??;
        Ok(connections)
    }

    /// Checks both backends before the migration writes anything.
    async fn prepare(&self, settings: &Settings, components: &[Component]) -> Result<(), ConnectError> {
        if self.stores.is_transaction_pooled().await.map_err(MigrateError::from)? {
            return Err(ConnectError::TransactionPooling);
        }
        let redis = async { self.redis.connect(REQUEST_TIMEOUT).await.map(drop) };
        let (redis, postgres): (Result<(), Unavailable>, _) = tokio::join!(redis, self.stores.check());
        if let Some(violation) = self.durability.violation() {
            return Err(violation.into());
        }
        redis.and(postgres).map_err(MigrateError::from)?;
        match capacity::check(self, settings, components).await {
            Ok(()) => {}
            Err(CapacityError::TooManyConnections(error)) => return Err(error.into()),
            Err(CapacityError::Unavailable(error)) => return Err(MigrateError::from(error).into()),
        }
        Ok(migrate(settings.database_url()?, self.partitions).await?)
    }

    /// Starts a task that fails when a backend no longer has the required durability.
    pub(crate) fn watch_durability(&self, tasks: &mut Tasks, stop: &ShutdownSignal) {
        let (durability, mut stop) = (self.durability.clone(), stop.clone());
        tasks.spawn("durability", async move {
            tokio::select! {
                violation = durability.wait_for_violation() => Err(violation),
                () = stop.wait() => Ok(()),
            }
        });
    }
}
