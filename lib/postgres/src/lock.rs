//! Locks on partitions: advisory locks of a session of their own.
//!
//! Not the row of the partition: that would be free at the commit, and the next writer would find the
//! batch decided and not published, and do the rest of it once more.

use crate::store::within;
use crate::{PostgresStoreConnector, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

/// Ours among the pairs of advisory locks of a database: the second number is the partition.
const PARTITION_OF_A_WRITER: i32 = 0x6175_6374;

/// A lock is waited for so long at a time; a holder that is silent for much longer, because its process
/// was paused, loses its session and with it the lock.
const OPTIONS: &str = "-c lock_timeout=1s -c idle_session_timeout=10s -c application_name=auction-lock";

const DEADLINE: Duration = Duration::from_secs(10);

/// Makes locks in one database.
#[derive(Clone, Debug)]
pub struct PostgresLockConnector(tokio_postgres::Config);

impl PostgresLockConnector {
    /// In the database of these stores.
    pub fn new(stores: &PostgresStoreConnector) -> PostgresLockConnector {
        let mut config = stores.config().clone();
        let options = format!("{} {OPTIONS}", config.get_options().unwrap_or_default());
        config.options(options);
        PostgresLockConnector(config)
    }
}

/// A session that takes the lock of one partition.
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
            // It ends with the client, or with an error that the client's next request reports.
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
            match self.client.execute(&self.take, &[&PARTITION_OF_A_WRITER, &self.partition]).await {
                Ok(_) => Ok(true),
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
                Err(error) => Err(unavailable(error)),
            }
        })
        .await
    }

    async fn release(&mut self) -> Result<(), Unavailable> {
        within(DEADLINE, async {
            let of: &[&(dyn ToSql + Sync)] = &[&PARTITION_OF_A_WRITER, &self.partition];
            self.client.execute(&self.release, of).await.map(drop).map_err(unavailable)
        })
        .await
    }
}
