//! Connections to Redis and Postgres, shared by all components of a process.

use crate::capacity::{self, CapacityError, TooManyConnections};
use crate::component::Component;
use crate::settings::{Settings, SettingsError};
use crate::tasks::Tasks;
use auction_app::ports::Unavailable;
use auction_durability::{Durability, DurabilityRisk, InsufficientDurability};
use auction_postgres::migrate::{MigrateError, migrate};
use auction_postgres::{PostgresStoreConnector, error_text};
use auction_redis::pool::PoolConfigError;
use auction_redis::{ForeignRedis, Ownership, RedisPool, RedisServer};
use auction_wire::PartitionCount;
use redis::Client;
use std::time::Duration;
use thiserror::Error;
use uuid::Uuid;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Time limit for the reply to a check of Redis, and for the checks of Postgres by operator commands.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to the backends.
#[derive(Clone)]
pub struct Connections {
    /// For connections with a single owner, such as stream consumers.
    pub redis: RedisServer,
    /// For short requests of any task.
    pub redis_pool: RedisPool,
    pub stores: PostgresStoreConnector,
    pub partitions: PartitionCount,
    /// Durability required of both backends.
    pub durability: Durability,
    /// Id of the portal in both backends; unset for operator commands on a database that is not migrated.
    pub ownership: Option<Ownership>,
}

/// Reasons the backends cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("redis_url is invalid: {0}")]
    RedisUrl(redis::RedisError),
    #[error("database_url is invalid: {}", error_text(.0))]
    DatabaseUrl(auction_postgres::UrlError),
    #[error(transparent)]
    Pool(#[from] PoolConfigError),
    /// The database schema cannot be migrated.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    InsufficientDurability(#[from] InsufficientDurability),
    #[error(transparent)]
    TooManyConnections(#[from] TooManyConnections),
    #[error(
        "postgres: a connection pooler without sessions, such as PgBouncer in transaction mode, is between this \
         process and the server. The portal needs sessions of its own: point DATABASE_URL to the server, or to a \
         pool with pool_mode = session and ignore_startup_parameters = options"
    )]
    TransactionPooling,
    /// Only operator commands fail for this reason: components wait.
    #[error(
        "postgres: {0}. This command does not wait: set DATABASE_URL to the primary, or run it again later"
    )]
    ReadOnly(&'static str),
    #[error(transparent)]
    ForeignRedis(#[from] ForeignRedis),
    /// The process was shut down before the backends were available.
    #[error("stopped while waiting for Redis and Postgres")]
    Stopped,
}

impl Connections {
    /// Connects lazily, and checks nothing.
    fn new(settings: &Settings) -> Result<Connections, ConnectError> {
        let redis_url = settings.redis_url()?;
        let redis = Client::open(redis_url).map_err(ConnectError::RedisUrl)?;
        let redis: RedisServer = redis.into();
        let redis_pool = RedisPool::new(redis.clone(), settings.ingress.max_redis_connections.get())?;
        let stores =
            PostgresStoreConnector::new(settings.database_url()?).map_err(ConnectError::DatabaseUrl)?;
        let allowed = Durability::allowing(settings.allow_weak_durability.iter().copied());
        let durability = if settings.require_replication { allowed.requiring_replication() } else { allowed };
        Ok(Connections {
            redis,
            redis_pool,
            stores,
            partitions: settings.partitions()?,
            durability,
            ownership: None,
        })
    }

    /// Connects an operator command, lazily. Every new connection makes the checks of a component, except that weak
    /// durability is accepted: such a backend must be inspected, too. A Postgres that does not answer is not
    /// checked, so that commands that need Redis only can be used.
    pub(crate) async fn for_operator(settings: &Settings) -> Result<Connections, ConnectError> {
        let mut connections = Connections::new(settings)?;
        let any = Durability::allowing(DurabilityRisk::ALL);
        connections.redis = RedisServer::checked(connections.redis.client().clone(), any.clone());
        connections.stores = connections.stores.checked(any);
        let checks = async {
            if connections.stores.is_transaction_pooled().await.unwrap_or(false) {
                return Err(ConnectError::TransactionPooling);
            }
            match connections.stores.read_only_reason().await {
                Ok(Some(reason)) => Err(ConnectError::ReadOnly(reason)),
                Ok(None) | Err(_) => Ok(()),
            }
        };
        tokio::time::timeout(REQUEST_TIMEOUT, checks).await.unwrap_or(Ok(()))?;
        connections.with_pool(settings)
    }

    /// Checks on every new connection to Redis that Redis belongs to this portal.
    pub(crate) fn owned(mut self, portal: Uuid, settings: &Settings) -> Result<Connections, ConnectError> {
        let ownership = Ownership::new(portal);
        self.redis = self.redis.owned(ownership.clone());
        self.ownership = Some(ownership);
        self.with_pool(settings)
    }

    /// Replaces the pool by one with the checks of the server.
    fn with_pool(mut self, settings: &Settings) -> Result<Connections, ConnectError> {
        self.redis_pool = RedisPool::new(self.redis.clone(), settings.ingress.max_redis_connections.get())?;
        Ok(self)
    }

    /// Connects a component. Both backends are available and durable, the database schema is migrated, and Redis
    /// belongs to the portal of the database. All of this is checked again on every new connection. Waits while
    /// a backend is unavailable, a replica, or read-only.
    pub async fn ready(
        settings: &Settings,
        components: &[Component],
        supervisor: &Supervisor,
    ) -> Result<Connections, ConnectError> {
        let mut connections = Connections::new(settings)?;
        let durability = connections.durability.clone();
        connections.redis = RedisServer::checked(connections.redis.client().clone(), durability.clone());
        connections.stores = connections.stores.checked(durability);
        let prepared =
            supervisor.until_success(async || match connections.prepare(settings, components).await {
                Err(ConnectError::Migrate(MigrateError::Unavailable(error))) => Err(error),
                result => Ok(result),
            });
        let portal = prepared.await.ok_or(ConnectError::Stopped)??;
        let connections = connections.owned(portal, settings)?;
        let checked = supervisor.until_success(async || match connections.check_owner().await {
            Err(ConnectError::Migrate(MigrateError::Unavailable(error))) => Err(error),
            result => Ok(result),
        });
        checked.await.ok_or(ConnectError::Stopped)??;
        Ok(connections)
    }

    /// Makes the portal the owner of Redis, unless another one is.
    async fn check_owner(&self) -> Result<(), ConnectError> {
        let connected = self.redis.connect(REQUEST_TIMEOUT).await;
        // The backend can have become weak since it was prepared.
        if let Some(violation) = self.durability.violation() {
            return Err(violation.into());
        }
        if let Some(foreign) = self.ownership.as_ref().and_then(Ownership::violation) {
            return Err(foreign.into());
        }
        Ok(connected.map(drop).map_err(MigrateError::from)?)
    }

    /// Checks both backends before the migration writes anything. Returns the id of the portal.
    async fn prepare(&self, settings: &Settings, components: &[Component]) -> Result<Uuid, ConnectError> {
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

    /// Starts tasks that fail when a backend no longer has the required durability, or a connection leads to the
    /// Redis of another portal.
    pub(crate) fn watch_backends(&self, tasks: &mut Tasks, stop: &ShutdownSignal) {
        if let Some(ownership) = self.ownership.clone() {
            let mut stop = stop.clone();
            tasks.spawn("Redis ownership", async move {
                tokio::select! {
                    foreign = ownership.wait_for_violation() => Err(foreign),
                    () = stop.wait() => Ok(()),
                }
            });
        }
        let (durability, mut stop) = (self.durability.clone(), stop.clone());
        tasks.spawn("durability", async move {
            tokio::select! {
                violation = durability.wait_for_violation() => Err(violation),
                () = stop.wait() => Ok(()),
            }
        });
    }
}
