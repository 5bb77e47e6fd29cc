//! Stored notifications and cached copies of inboxes.

use super::outbox::MemoryOutbox;
use crate::local_servers::PARTITIONS;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage, InboxStore};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::placement::{
    OutgoingGroup, PlacementBatch, PlacementProgress, PlacementResult, PlacementStore, outgoing_groups,
};
use auction_domain::UserId;
use auction_domain::user::NotificationPreferences;
use auction_wire::{PartitionCount, PartitionId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use uuid::Uuid;

/// Stored notifications and their outbox. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryNotifications {
    state: Arc<Mutex<State>>,
    outbox: MemoryOutbox,
    inbox_size: usize,
}

#[derive(Debug, Default)]
struct State {
    checkpoints: BTreeMap<PartitionId, u64>,
    last_outgoing: BTreeMap<PartitionId, u64>,
    /// Groups by user partition, then by partition and number.
    outgoing: BTreeMap<PartitionId, BTreeMap<(PartitionId, u64), Vec<Notification>>>,
    progress: BTreeMap<PartitionId, PlacementProgress>,
    preferences: BTreeMap<UserId, NotificationPreferences>,
    inboxes: BTreeMap<UserId, Stored>,
}

#[derive(Debug, Default)]
struct Stored {
    kept: BTreeMap<u64, Notification>,
    last: u64,
    read_up_to: u64,
}

impl MemoryNotifications {
    /// Creates an empty store. Each inbox keeps the newest `inbox_size` notifications.
    pub fn new(inbox_size: usize) -> MemoryNotifications {
        MemoryNotifications { state: Arc::default(), outbox: MemoryOutbox::default(), inbox_size }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn outbox(&self) -> &MemoryOutbox {
        &self.outbox
    }

    /// Returns whether all outgoing notifications are placed and removed.
    pub fn all_placed(&self) -> bool {
        self.state().outgoing.values().all(BTreeMap::is_empty)
    }

    /// Returns all notifications that the inboxes keep, each inbox in order.
    pub fn all(&self) -> Vec<Notification> {
        self.state().inboxes.values().flat_map(|inbox| inbox.kept.values().cloned()).collect()
    }
}

impl NotificationStoreConnector for MemoryNotifications {
    type Store = MemoryNotifications;
    async fn open(&self) -> Result<MemoryNotifications, Unavailable> {
        Ok(self.clone())
    }
}

impl NotificationStore for MemoryNotifications {
    async fn checkpoint(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        Ok(self.state().checkpoints.get(&partition).copied().unwrap_or_default())
    }

    async fn commit(&mut self, batch: &NotificationBatch) -> Result<NotificationCommit, Unavailable> {
        let mut state = self.state();
        let checkpoint = state.checkpoints.entry(batch.partition).or_default();
        if *checkpoint != batch.from {
            return Ok(NotificationCommit::CheckpointMoved);
        }
        *checkpoint = batch.to;
        batch.deleted.iter().for_each(|user| state.inboxes.entry(*user).or_default().kept.clear());
        batch.deleted.iter().for_each(|user| self.outbox.erase(*user));
        if !batch.deleted.is_empty() {
            state.progress.entry(batch.partition).or_default().version += 1;
        }
        state.preferences.extend(batch.preferences.iter().copied());
        let partitions = PartitionCount::new(PARTITIONS).unwrap();
        let groups = outgoing_groups(&batch.notifications, partitions);
        let notified = groups.iter().map(|(users, _)| *users).collect();
        for (users, group) in groups {
            let last = state.last_outgoing.entry(batch.partition).or_default();
            *last += 1;
            let number = *last;
            state.outgoing.entry(users).or_default().insert((batch.partition, number), group);
        }
        Ok(NotificationCommit::Done(notified))
    }
}

impl PlacementStore for MemoryNotifications {
    async fn progress(&self, users: PartitionId) -> Result<PlacementProgress, Unavailable> {
        Ok(self.state().progress.get(&users).cloned().unwrap_or_default())
    }

    async fn outgoing(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
        limit: usize,
    ) -> Result<Vec<OutgoingGroup>, Unavailable> {
        let state = self.state();
        let outgoing = state.outgoing.get(&users).into_iter().flatten();
        let unplaced =
            outgoing.filter(|((partition, number), _)| Some(number) > progress.placed.get(partition));
        let groups = unplaced.take(limit).map(|((partition, number), group)| OutgoingGroup {
            partition: *partition,
            number: *number,
            notifications: group.clone(),
        });
        Ok(groups.collect())
    }

    async fn remove_placed(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
    ) -> Result<(), Unavailable> {
        let mut state = self.state();
        let outgoing = state.outgoing.entry(users).or_default();
        outgoing.retain(|(partition, number), _| Some(number) > progress.placed.get(partition));
        Ok(())
    }

    async fn place(&self, batch: &PlacementBatch) -> Result<PlacementResult, Unavailable> {
        let mut state = self.state();
        let progress = state.progress.entry(batch.users).or_default();
        if progress.version != batch.version {
            return Ok(PlacementResult::ProgressMoved);
        }
        *progress = PlacementProgress { version: batch.version + 1, placed: batch.placed.clone() };
        let mut wanted = Vec::new();
        for notification in &batch.notifications {
            let user = notification.user;
            if state.preferences.get(&user).is_none_or(|wants| wants.includes(notification.kind)) {
                let inbox = state.inboxes.entry(user).or_default();
                self.outbox.queue(notification);
                inbox.last += 1;
                inbox.kept.insert(inbox.last, notification.clone());
                if inbox.kept.len() > self.inbox_size {
                    inbox.kept.pop_first();
                }
                wanted.push(NewNotification { user, seq: inbox.last, json: notification.json() });
            }
        }
        Ok(PlacementResult::Done(wanted))
    }
}

#[async_trait]
impl InboxStore for MemoryNotifications {
    async fn inbox(&self, user: UserId) -> Result<InboxPage, Unavailable> {
        let state = self.state();
        let Some(inbox) = state.inboxes.get(&user) else {
            return Ok(InboxPage { first: 1, ..InboxPage::default() });
        };
        let entries: Vec<_> = inbox.kept.iter().map(|(seq, kept)| (*seq, kept.json())).collect();
        let first = entries.first().map_or(inbox.last + 1, |(seq, _)| *seq);
        Ok(InboxPage { first, last: inbox.last, read_up_to: inbox.read_up_to, entries })
    }

    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<u64, Unavailable> {
        let mut state = self.state();
        let Some(inbox) = state.inboxes.get_mut(&user) else { return Ok(0) };
        inbox.read_up_to = inbox.read_up_to.max(up_to.min(inbox.last));
        Ok(inbox.read_up_to)
    }
}

/// Cached copies of inboxes. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryInboxes {
    state: Arc<Mutex<Copies>>,
    inbox_size: u64,
}

#[derive(Debug, Default)]
struct Copies {
    epoch: u64,
    copies: BTreeMap<UserId, Copy>,
}

#[derive(Debug, Default)]
struct Copy {
    mark: Uuid,
    epoch: u64,
    complete: bool,
    first: u64,
    last: u64,
    read_up_to: u64,
    entries: BTreeMap<u64, Vec<u8>>,
}

impl Copy {
    /// Moves the end over gap-free entries and drops the oldest above `inbox_size`.
    fn advance(&mut self, inbox_size: u64) {
        while self.entries.contains_key(&(self.last + 1)) {
            self.last += 1;
        }
        while self.last + 1 - self.first > inbox_size {
            self.entries.remove(&self.first);
            self.first += 1;
        }
    }
}

impl MemoryInboxes {
    /// Creates an empty cache. Each copy keeps the newest `inbox_size` notifications.
    pub fn new(inbox_size: u64) -> MemoryInboxes {
        MemoryInboxes { state: Arc::default(), inbox_size }
    }

    /// Drops all copies, as a flush of Redis does.
    pub fn flush(&self) {
        *self.state.lock().unwrap() = Copies::default();
    }
}

impl NotificationSink for MemoryInboxes {
    async fn begin(&self, _: PartitionId) -> Result<(), Unavailable> {
        self.state.lock().unwrap().epoch += 1;
        Ok(())
    }

    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        let mut state = self.state.lock().unwrap();
        for delivered in notifications {
            let Some(copy) = state.copies.get_mut(&delivered.user) else { continue };
            if !copy.complete || delivered.seq > copy.last {
                copy.entries.insert(delivered.seq, delivered.json.clone());
            }
            if copy.complete {
                copy.advance(self.inbox_size);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl InboxCache for MemoryInboxes {
    async fn page(&self, user: UserId, after: u64, limit: usize) -> Result<Option<InboxPage>, Unavailable> {
        let state = self.state.lock().unwrap();
        let copy = state.copies.get(&user).filter(|copy| copy.complete && copy.epoch == state.epoch);
        Ok(copy.map(|copy| {
            let readable = copy.entries.range(copy.first..=copy.last.max(copy.first));
            let entries = readable.map(|(seq, json)| (*seq, json.clone())).collect();
            let Copy { first, last, read_up_to, .. } = *copy;
            InboxPage { first, last, read_up_to, entries }.page(after, limit)
        }))
    }

    async fn reserve(&self, user: UserId) -> Result<Uuid, Unavailable> {
        let mut state = self.state.lock().unwrap();
        let epoch = state.epoch;
        let copy = state.copies.entry(user).or_default();
        if copy.mark.is_nil() || copy.epoch != epoch {
            *copy = Copy { mark: Uuid::new_v4(), epoch, ..Copy::default() };
        }
        Ok(copy.mark)
    }

    async fn fill(&self, user: UserId, mark: Uuid, inbox: &InboxPage) -> Result<(), Unavailable> {
        let mut state = self.state.lock().unwrap();
        let wanted = state.copies.get_mut(&user).filter(|copy| copy.mark == mark && !copy.complete);
        let Some(copy) = wanted else { return Ok(()) };
        copy.entries.extend(inbox.entries.iter().cloned());
        (copy.first, copy.last, copy.complete) = (inbox.first, inbox.last, true);
        copy.read_up_to = copy.read_up_to.max(inbox.read_up_to);
        copy.advance(self.inbox_size);
        Ok(())
    }

    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(), Unavailable> {
        let mut state = self.state.lock().unwrap();
        if let Some(copy) = state.copies.get_mut(&user) {
            copy.read_up_to = copy.read_up_to.max(up_to);
        }
        Ok(())
    }
}
