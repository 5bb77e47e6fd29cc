//! The servers, as all roles of a process share them.

use crate::settings::{Settings, SettingsError};
use auction_app::health::Part;
use auction_app::stop::Stop;
use auction_postgres::PostgresStores;
use auction_postgres::migrate::{MigrateError, migrate};
use auction_wire::PartitionCount;
use deadpool_redis::{Manager, Pool, Runtime};
use redis::{AsyncConnectionConfig, Client};
use std::time::Duration;
use stream_worker::Retry;
use thiserror::Error;

/// How long a pooled request to Redis may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where the servers are, and how they are connected to.
#[derive(Clone)]
pub struct Connections {
    /// For connections of one owner each.
    pub redis: Client,
    /// For short requests.
    pub redis_pool: Pool,
    /// The event store.
    pub stores: PostgresStores,
    /// How many partitions there are.
    pub partitions: PartitionCount,
}

/// Why the servers cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Where they are was not said.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address of Redis makes no sense.
    #[error("redis_url: {0}")]
    RedisUrl(redis::RedisError),
    /// The address of Postgres makes no sense.
    #[error("database_url: {0}")]
    DatabaseUrl(auction_postgres::UrlError),
    /// The pool of connections could not be made.
    #[error("connections to redis: {0}")]
    Pool(#[from] deadpool_redis::BuildError),
    /// The database cannot be brought to the present schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// It was time to stop before the servers answered.
    #[error("stopped while waiting for the servers")]
    Stopped,
}

impl Connections {
    /// Connects lazily; nothing is asked yet.
    pub fn new(settings: &Settings) -> Result<Connections, ConnectError> {
        let redis_url = settings.redis_url()?;
        let redis = Client::open(redis_url).map_err(ConnectError::RedisUrl)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        let manager = Manager::new_with_config(redis_url, config).map_err(ConnectError::RedisUrl)?;
        let redis_pool = Pool::builder(manager)
            .max_size(settings.ingress.redis_connections.get())
            .wait_timeout(Some(DEADLINE))
            .create_timeout(Some(DEADLINE))
            .recycle_timeout(Some(DEADLINE))
            .runtime(Runtime::Tokio1)
            .build()?;
        let stores = PostgresStores::new(settings.database_url()?).map_err(ConnectError::DatabaseUrl)?;
        Ok(Connections { redis, redis_pool, stores, partitions: settings.partitions()? })
    }

    /// The same, and brings the database to the present schema. Waits while it is away, and says
    /// so.
    pub async fn ready(
        settings: &Settings,
        health: &Part,
        mut stop: Stop,
    ) -> Result<Connections, ConnectError> {
        let connections = Connections::new(settings)?;
        let mut retry = Retry::default();
        loop {
            match migrate(settings.database_url()?, connections.partitions).await {
                Ok(()) => return Ok(connections),
                Err(MigrateError::Unavailable(error)) => {
                    let wait = retry.next_wait();
                    health.waits(&error, retry.attempts());
                    tracing::warn!(%error, ?wait, "waiting for the database");
                    stop.sleep(wait).await;
                    if stop.requested() {
                        return Err(ConnectError::Stopped);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
