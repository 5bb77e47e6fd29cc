//! Stores outgoing notifications, together with the checkpoint of the notifier: the first step of the notifier,
//! in the partition of the events. The second step is [`super::placement`].

use crate::ports::Unavailable;
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::PartitionId;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

/// Opens connections to the notification store.
pub trait NotificationStoreConnector: Send + Sync {
    /// Connection that this connector opens.
    type Store: NotificationStore;

    /// Opens another connection to the store.
    fn open(&self) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// One connection. After an error, drop it and open another one.
pub trait NotificationStore: Send {
    /// Returns the position up to which a partition's events are processed. Call it before the first commit.
    fn checkpoint(&mut self, partition: PartitionId)
    -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Stores the notifications of a batch as outgoing and moves the checkpoint from `from` to `to`, all or
    /// nothing, if the checkpoint is `from`. Touches rows of the partition of the batch alone.
    fn commit(
        &mut self,
        batch: &NotificationBatch,
    ) -> impl Future<Output = Result<NotificationCommit, Unavailable>> + Send;
}

/// Changes to store in one transaction.
#[derive(Clone, Debug)]
pub struct NotificationBatch {
    /// Partition of the events.
    pub partition: PartitionId,
    /// Checkpoint that the batch is based on.
    pub from: u64,
    /// Checkpoint after the batch.
    pub to: u64,
    /// New preferences of users of the partition, at most one entry per user. They apply to notifications that
    /// are placed after the commit.
    pub preferences: Vec<(UserId, NotificationPreferences)>,
    /// Deleted users of the partition, whose inboxes are emptied.
    pub deleted: Vec<UserId>,
    /// Notifications, including those that their users have turned off.
    pub notifications: Vec<Notification>,
}

/// Notification of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Id, derived from the event, the kind and the user, so that a repeat has the same id.
    pub id: Uuid,
    /// User who is notified.
    pub user: UserId,
    /// Kind, which users can turn off.
    pub kind: NotificationKind,
    /// Content: a JSON object, shared between the users who receive the same.
    pub content: Arc<[u8]>,
}

impl Notification {
    /// Returns the JSON that users read: the content with the id.
    pub fn json(&self) -> Vec<u8> {
        json(self.id, &self.content)
    }
}

/// Returns the content, a JSON object, with the id of the notification as its first member.
pub fn json(id: Uuid, content: &[u8]) -> Vec<u8> {
    let mut json = format!("{{\"id\":\"{id}\",").into_bytes();
    json.extend_from_slice(content.get(1..).unwrap_or_default());
    json
}

/// Result of committing a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationCommit {
    /// The batch is stored. Contains the partitions of the notified users.
    Done(BTreeSet<PartitionId>),
    /// Nothing was stored: another process moved the checkpoint of this partition.
    CheckpointMoved,
}
