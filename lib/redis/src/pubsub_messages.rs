//! Announcements to every ingress: decided commands, for status requests that wait at another ingress than
//! the one that accepted the command; and users with new notifications, for live updates.
//!
//! A message holds ids of 16 bytes each. A writer sends one for each batch, in the same round trip as the
//! replies; a notifier sends one for each delivery. Messages of `PUBLISH` are not stored and can be lost. A
//! waiting request therefore also queries the event store after a reconnect, and at the end of its wait.

use crate::pubsub::{self, PubSubHandler};
use crate::{RedisServer, keys};
use auction_app::ingress::command_gateway::OutcomeWaiters;
use auction_app::ingress::live_updates::InboxSignals;
use auction_domain::UserId;
use auction_wire::{CommandId, PartitionCount};
use std::sync::Arc;
use uuid::Uuid;
use worker_runtime::Supervisor;

/// Encodes an announcement of decided commands.
pub(crate) fn write(decided: &[CommandId]) -> Vec<u8> {
    decided.iter().flat_map(|command| *command.0.as_bytes()).collect()
}

/// Decodes the ids of an announcement.
fn read(announcement: &[u8]) -> impl Iterator<Item = Uuid> {
    announcement.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok())
}

/// Receivers of announcements within an ingress.
#[derive(Clone)]
pub struct AnnouncementHandlers {
    /// Requests that wait for outcomes.
    pub waiters: Arc<OutcomeWaiters>,
    /// Live subscribers of inboxes.
    pub inbox_signals: Arc<InboxSignals>,
}

impl PubSubHandler for AnnouncementHandlers {
    fn on_subscribed(&self) {
        // Announcements before the subscription are lost.
        self.waiters.on_announcements_lost();
        self.inbox_signals.notify_all();
    }

    fn on_message(&self, channel: &str, message: &[u8]) {
        match channel {
            keys::NOTIFIED => self.inbox_signals.notify(read(message).map(UserId)),
            _ => self.waiters.on_announced(read(message).map(CommandId)),
        }
    }
}

/// Receives announcements of all partitions and wakes the waiting requests, until shutdown.
pub async fn listen(
    server: RedisServer,
    partitions: PartitionCount,
    handlers: AnnouncementHandlers,
    supervisor: Supervisor,
) {
    let channels = partitions.all().map(keys::decided).chain([keys::NOTIFIED.to_owned()]);
    let channels: Vec<String> = channels.collect();
    pubsub::run(&server, &channels, &handlers, supervisor).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_round_trip() {
        let decided: Vec<CommandId> = (1..4).map(|n| CommandId(Uuid::from_u128(n))).collect();
        assert_eq!(read(&write(&decided)).map(CommandId).collect::<Vec<_>>(), decided);
        assert_eq!(read(b"unknown message 1").count(), 1, "an unknown id only causes a query");
    }
}
