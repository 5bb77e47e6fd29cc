//! Places notifications in inboxes: the second step of the notifier, in the partition of the users.
//!
//! The first step ([`super::notification_store`]) stores outgoing notifications in the partition of their
//! events. The second step reads them there, stores them in the inboxes of a user partition, and later removes them.
//! No transaction spans both partitions. The progress of a user partition says which outgoing notifications are
//! placed, so a step that is repeated changes nothing.

use super::notification_sink::NewNotification;
use super::notification_store::Notification;
use crate::ports::Unavailable;
use auction_wire::{PartitionCount, PartitionId};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// Maximum number of notifications in an outgoing group.
const MAX_GROUP: usize = 100;

/// Outgoing notifications of all partitions, and the inboxes of their users.
pub trait PlacementStore: Send + Sync {
    /// Returns the progress of a user partition.
    fn progress(
        &self,
        users: PartitionId,
    ) -> impl Future<Output = Result<PlacementProgress, Unavailable>> + Send;

    /// Returns about `limit` of the outgoing groups to a user partition that are not placed, at least one if
    /// there is one. They are ordered by partition and number, and of each partition they are the oldest.
    fn outgoing(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<OutgoingGroup>, Unavailable>> + Send;

    /// Removes the outgoing groups to a user partition that are placed.
    fn remove_placed(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Stores a batch and the progress, all or nothing, if the version of the progress is the expected one.
    ///
    /// Notifications of a kind that their user has turned off are left out. The others get the next sequence
    /// numbers of their inboxes, in the order of the batch. An inbox keeps a limited number of notifications,
    /// the newest. Deliveries to the user's webhooks and e-mail address are added to the outbox in the same
    /// transaction.
    fn place(
        &self,
        batch: &PlacementBatch,
    ) -> impl Future<Output = Result<PlacementResult, Unavailable>> + Send;
}

/// Progress of placing the notifications of a user partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlacementProgress {
    /// Number of changes of the progress, and of deletions of users.
    pub version: u64,
    /// For each partition of events, the number of the newest outgoing group that is placed. Without an entry,
    /// none is.
    pub placed: BTreeMap<PartitionId, u64>,
}

/// Outgoing notifications of one event with the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingGroup {
    /// Partition of the event.
    pub partition: PartitionId,
    /// Number within the partition of the event, ascending in the order of commits.
    pub number: u64,
    /// Notifications, including those that their users have turned off.
    pub notifications: Vec<Notification>,
}

/// Splits notifications into groups to one user partition with the same content, of a limited size. The order of
/// the notifications of each user stays.
pub fn outgoing_groups(
    notifications: &[Notification],
    partitions: PartitionCount,
) -> Vec<(PartitionId, Vec<Notification>)> {
    let mut groups: Vec<(PartitionId, Vec<Notification>)> = Vec::new();
    let mut last: BTreeMap<PartitionId, usize> = BTreeMap::new();
    for notification in notifications {
        let users = partitions.of(notification.user.0);
        let open = last.get(&users).and_then(|index| groups.get_mut(*index)).filter(|(_, group)| {
            let is_same = |one: &Notification| {
                one.kind == notification.kind && Arc::ptr_eq(&one.content, &notification.content)
            };
            group.len() < MAX_GROUP && group.last().is_some_and(is_same)
        });
        match open {
            Some((_, group)) => group.push(notification.clone()),
            None => {
                last.insert(users, groups.len());
                groups.push((users, vec![notification.clone()]));
            }
        }
    }
    groups
}

/// Notifications to place in one transaction.
#[derive(Clone, Debug)]
pub struct PlacementBatch {
    /// Partition of the users.
    pub users: PartitionId,
    /// Version of the progress that the batch is based on.
    pub version: u64,
    /// Numbers of the placed groups after the batch.
    pub placed: BTreeMap<PartitionId, u64>,
    /// Notifications, including those that their users have turned off.
    pub notifications: Vec<Notification>,
}

/// Result of placing a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementResult {
    /// The batch is stored. Contains the notifications that their users want, in no particular order.
    Done(Vec<NewNotification>),
    /// Nothing was stored: another process changed the progress, or a user was deleted.
    ProgressMoved,
}

/// Announces outgoing notifications to the processes that place them.
pub trait PlacementAnnouncer: Send + Sync {
    /// Wakes the placers of these user partitions, in all processes. An announcement can be lost only together
    /// with the connection of its receiver, who looks for outgoing notifications after it has connected again.
    fn announce(&self, users: &[PartitionId]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
