//! What is announced to every ingress: what is decided, for status requests that wait at another ingress than the one
//! that took the command, or at one that was restarted; and who is told something, for users who listen.
//!
//! One message per batch goes out with its replies, in the same round trip: the ids of its commands, 16 bytes each; one
//! with each delivery of notifications: the ids of the users. Messages of `PUBLISH` are not written to disk and lie nowhere: one that is lost is made up for by a look at the
//! store, by whoever waits, when the connection is back, and at the end of his wait.

use crate::pubsub::{self, PubSubHandler};
use crate::{RedisServer, keys};
use auction_app::ingress::command_gateway::OutcomeWaiters;
use auction_app::ingress::live_updates::InboxSignals;
use auction_domain::UserId;
use auction_wire::{CommandId, PartitionCount};
use std::sync::Arc;
use uuid::Uuid;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// An announcement.
pub(crate) fn write(decided: &[CommandId]) -> Vec<u8> {
    decided.iter().flat_map(|command| *command.0.as_bytes()).collect()
}

/// Reads one.
fn read(announcement: &[u8]) -> impl Iterator<Item = Uuid> {
    announcement.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok())
}

/// Who hears it.
#[derive(Clone)]
pub struct AnnouncementHandlers {
    /// Requests that wait for an outcome.
    pub waiters: Arc<OutcomeWaiters>,
    /// Users who listen for what they are told.
    pub bells: Arc<InboxSignals>,
}

impl PubSubHandler for AnnouncementHandlers {
    const LOST: &'static str = "announcements are not received: who waits looks at the end of his wait";

    fn began(&self) {
        // What was announced while nobody listened is not heard any more.
        self.waiters.on_announcements_lost();
        self.bells.notify_all();
    }

    fn hear(&self, channel: &str, message: &[u8]) {
        match channel {
            keys::TOLD => self.bells.notify(read(message).map(UserId)),
            _ => self.waiters.on_announced(read(message).map(CommandId)),
        }
    }
}

/// Listens to all partitions and wakes whoever waits, until it is time to stop.
pub async fn listen(
    server: RedisServer,
    partitions: PartitionCount,
    audience: AnnouncementHandlers,
    health: &HealthHandle,
    stop: ShutdownSignal,
) {
    let channels = partitions.all().map(keys::decided).chain([keys::TOLD.to_owned()]);
    let channels: Vec<String> = channels.collect();
    pubsub::listen(&server, &channels, &audience, health, stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_read_as_it_was_written() {
        let decided: Vec<CommandId> = (1..4).map(|n| CommandId(Uuid::from_u128(n))).collect();
        assert_eq!(read(&write(&decided)).map(CommandId).collect::<Vec<_>>(), decided);
        assert_eq!(read(b"what else is said").count(), 1, "it only makes somebody look");
    }
}
