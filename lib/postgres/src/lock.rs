//! Partition locks: advisory locks, each held by a database session of its own.
//!
//! A lock on the row of the partition would not do: it ends at the commit, when the batch is stored but not
//! yet published. The next writer would publish it once more.

use crate::store::within;
use crate::{PostgresStoreConnector, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

/// First number of the advisory lock's key; the second number is the partition.
const LOCK_CLASS: i32 = 0x6175_6374;

/// The wait for a lock ends after one second, and can be repeated. A holder that sends nothing for ten
/// seconds, because its process is paused, loses its session and so the lock.
const OPTIONS: &str = "-c lock_timeout=1s -c idle_session_timeout=10s -c application_name=auction-lock";

const DEADLINE: Duration = Duration::from_secs(10);

/// Opens sessions for partition locks in one database.
#[derive(Clone, Debug)]
pub struct PostgresLockConnector(tokio_postgres::Config);

impl PostgresLockConnector {
    /// Uses the database of `connector`.
    pub fn new(connector: &PostgresStoreConnector) -> PostgresLockConnector {
        let mut config = connector.config().clone();
        let options = format!("{} {OPTIONS}", config.get_options().unwrap_or_default());
        config.options(options);
        PostgresLockConnector(config)
    }
}

/// Session that takes the lock of one partition.
pub struct PostgresLock {
    client: Client,
    take: Statement,
    release: Statement,
    partition: i32,
}

impl PartitionLockConnector for PostgresLockConnector {
    type Lock = PostgresLock;

    async fn open(&self, partition: PartitionId) -> Result<PostgresLock, Unavailable> {
        within(DEADLINE, async {
            let (client, connection) = self.0.connect(NoTls).await.map_err(unavailable)?;
            // The task ends with the client, or with an error that the client's next request reports.
            tokio::spawn(connection);
            let take = client.prepare(include_str!("../../../sql/queries/lock_partition.sql"));
            let take = take.await.map_err(unavailable)?;
            let release = client.prepare(include_str!("../../../sql/queries/unlock_partition.sql"));
            let release = release.await.map_err(unavailable)?;
            Ok(PostgresLock { client, take, release, partition: partition.0.into() })
        })
        .await
    }
}

impl PartitionLock for PostgresLock {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        within(DEADLINE, async {
            match self.client.execute(&self.take, &[&LOCK_CLASS, &self.partition]).await {
                Ok(_) => Ok(true),
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
                Err(error) => Err(unavailable(error)),
            }
        })
        .await
    }

    async fn release(&mut self) -> Result<(), Unavailable> {
        within(DEADLINE, async {
            let key: &[&(dyn ToSql + Sync)] = &[&LOCK_CLASS, &self.partition];
            self.client.execute(&self.release, key).await.map(drop).map_err(unavailable)
        })
        .await
    }
}
