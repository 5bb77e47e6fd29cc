//! Where notifications are kept, with the position up to which events were told.

use super::notification_sink::NewNotification;
use crate::ports::Unavailable;
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::PartitionId;
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

/// Makes connections.
pub trait NotificationStoreConnector: Send + Sync {
    /// A connection.
    type Store: NotificationStore;

    /// Connects.
    fn open(&self) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// One connection. After an error it is dropped.
pub trait NotificationStore: Send {
    /// The position up to which a partition's events were told. Asked for before anything is told.
    fn checkpoint(&mut self, partition: PartitionId)
    -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Stores what is told, and moves the checkpoint, all or nothing, and only if the checkpoint still is
    /// `from`. A notification whose kind its user does not want is left out. The others get the next places
    /// of their inboxes, in the order in which they are given; an inbox keeps a number of them, the newest.
    fn commit(
        &mut self,
        telling: &NotificationBatch,
    ) -> impl Future<Output = Result<NotificationCommit, Unavailable>> + Send;
}

/// What is to be stored at once.
#[derive(Clone, Debug)]
pub struct NotificationBatch {
    /// Of which partition's events.
    pub partition: PartitionId,
    /// The checkpoint that this was made from.
    pub from: u64,
    /// The checkpoint after it.
    pub to: u64,
    /// New choices, one for each user; they count for what is told later.
    pub subscriptions: Vec<(UserId, NotificationPreferences)>,
    /// Users whose inboxes are emptied: they were deleted.
    pub deleted: Vec<UserId>,
    /// For users who may want them or not.
    pub notifications: Vec<Notification>,
}

/// Something to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Derived from what it says to whom, so that a repeat is the same one.
    pub id: Uuid,
    /// To whom.
    pub user: UserId,
    /// Of which kind.
    pub kind: NotificationKind,
    /// What it says: a JSON object, which many share.
    pub news: Arc<[u8]>,
}

impl Notification {
    /// With its id, as users read it.
    pub fn json(&self) -> Vec<u8> {
        json(self.id, &self.news)
    }
}

/// News with the id of the notification: an object with one more member in front.
pub fn json(id: Uuid, news: &[u8]) -> Vec<u8> {
    let mut json = format!("{{\"id\":\"{id}\",").into_bytes();
    json.extend_from_slice(news.get(1..).unwrap_or_default());
    json
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationCommit {
    /// It is stored; these are wanted, in no particular order.
    Done(Vec<NewNotification>),
    /// Nothing was stored: somebody else tells events of this partition.
    CheckpointMoved,
}
