//! Partition locks: advisory locks, each held by a database session of its own.
//!
//! A lock on the row of the partition would not do: it ends at the commit, when the batch is stored but not
//! yet published. The next writer would publish it once more.

use crate::connection::Connection;
use crate::{PostgresStoreConnector, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// First number of the advisory lock's key; the second number is the partition.
const LOCK_CLASS: i32 = 0x6175_6374;

/// The wait for a lock ends after one second, and can be repeated. A holder that sends nothing for ten
/// seconds, because its process is paused, loses its session and so the lock.
const OPTIONS: &str = "-c lock_timeout=1s -c idle_session_timeout=10s -c application_name=auction-lock";

const DEADLINE: Duration = Duration::from_secs(10);

/// Opens sessions for partition locks in one database.
#[derive(Clone, Debug)]
pub struct PostgresLockConnector(PostgresStoreConnector);

impl PostgresLockConnector {
    /// Uses the database of `connector`.
    pub fn new(connector: &PostgresStoreConnector) -> PostgresLockConnector {
        PostgresLockConnector(connector.clone().with_options(OPTIONS))
    }
}

/// Session that takes the lock of one partition.
pub struct PostgresLock {
    connection: Connection,
    partition: i32,
}

impl PartitionLockConnector for PostgresLockConnector {
    type Lock = PostgresLock;

    async fn open(&self, partition: PartitionId) -> Result<PostgresLock, Unavailable> {
        let connection = self.0.connect_within(DEADLINE).await?;
        Ok(PostgresLock { connection, partition: partition.0.into() })
    }
}

impl PartitionLock for PostgresLock {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        let key: &[&(dyn ToSql + Sync)] = &[&LOCK_CLASS, &self.partition];
        match self.connection.try_query(sql!("lock_partition"), key).await? {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn release(&mut self) -> Result<(), Unavailable> {
        let key: &[&(dyn ToSql + Sync)] = &[&LOCK_CLASS, &self.partition];
        self.connection.query(sql!("unlock_partition"), key).await.map(drop)
    }
}
