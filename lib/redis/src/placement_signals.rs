//! Announcements of outgoing notifications to every notifier.
//!
//! A message holds numbers of user partitions of 2 bytes each, with the high byte first. Messages of `PUBLISH`
//! are not stored. Those sent while a notifier is not connected are lost, so all its placers look for outgoing
//! notifications after it has connected again.

use crate::pubsub::{self, PubSubHandler};
use crate::{RedisPool, RedisServer, client_error, keys};
use auction_app::notifier::PlacementSignals;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::placement::PlacementAnnouncer;
use auction_wire::PartitionId;
use redis::cmd;
use worker_runtime::Supervisor;

/// Announces outgoing notifications to every notifier.
#[derive(Clone)]
pub struct RedisPlacementAnnouncer {
    pool: RedisPool,
}

impl RedisPlacementAnnouncer {
    pub fn new(pool: RedisPool) -> RedisPlacementAnnouncer {
        RedisPlacementAnnouncer { pool }
    }
}

fn write(users: &[PartitionId]) -> Vec<u8> {
    users.iter().flat_map(|users| users.0.to_be_bytes()).collect()
}

fn read(message: &[u8]) -> impl Iterator<Item = PartitionId> {
    message.as_chunks().0.iter().map(|bytes| PartitionId(u16::from_be_bytes(*bytes)))
}

impl PlacementAnnouncer for RedisPlacementAnnouncer {
    async fn announce(&self, users: &[PartitionId]) -> Result<(), Unavailable> {
        let mut connection = self.pool.get().await?;
        let mut publish = cmd("PUBLISH");
        publish.arg(keys::OUTGOING).arg(write(users));
        publish.query_async(&mut connection).await.map_err(client_error)
    }
}

impl PubSubHandler for PlacementSignals {
    fn on_subscribed(&self) {
        self.wake_all();
    }

    fn on_message(&self, _: &str, message: &[u8]) {
        self.wake(read(message));
    }
}

/// Receives announcements and wakes the placers of this process, until shutdown.
pub async fn listen(server: RedisServer, signals: PlacementSignals, supervisor: Supervisor) {
    pubsub::run(&server, &[keys::OUTGOING.to_owned()], &signals, supervisor).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outgoing_announcements_round_trip() {
        let users = [PartitionId(0), PartitionId(99), PartitionId(300)];
        assert_eq!(read(&write(&users)).collect::<Vec<_>>(), users);
    }
}
