//! Replay of all events of a partition in memory.

use super::PartitionReport;
use crate::consume::stored_events::{LoadError, read_event};
use crate::projector::AuctionProjection;
use auction_domain::Timestamp;
use auction_domain::user::UserEvent;
use auction_wire::{Event, EventRecord};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

pub(super) struct ReplayedUser {
    pub(super) created_at: Timestamp,
    pub(super) deleted: bool,
}

/// State of a partition after a replay of its events.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) users: BTreeMap<Uuid, ReplayedUser>,
    pub(super) auctions: BTreeMap<Uuid, Option<AuctionProjection>>,
    versions: HashMap<Uuid, u64>,
}

impl Replay {
    /// Applies the next event. Reports a version that does not follow the previous one.
    pub(super) fn apply(
        &mut self,
        record: &EventRecord,
        report: &mut PartitionReport,
    ) -> Result<(), LoadError> {
        let version = self.versions.entry(record.key).or_default();
        *version += 1;
        if record.version != *version {
            report.differs(format!("{} has version {}, expected {version}", record.key, record.version));
        }
        match read_event(record)? {
            Event::User(UserEvent::UserCreated) => {
                self.users.insert(record.key, ReplayedUser { created_at: record.at, deleted: false });
            }
            Event::User(UserEvent::UserDeleted) => {
                if let Some(user) = self.users.get_mut(&record.key) {
                    user.deleted = true;
                }
            }
            Event::User(UserEvent::NotificationPreferencesChanged(_)) => {} // not part of any view
            Event::Promoter(_) | Event::Bar(_) => {}
            Event::Auction(event) => {
                AuctionProjection::apply(self.auctions.entry(record.key).or_default(), &event, record.at);
            }
        }
        Ok(())
    }
}
