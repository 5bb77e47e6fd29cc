//! Checks the notifications with the model: results and doubled bids of all auctions, and the highest bids of small
//! ones.

use super::{Check, RunEvidence};
use auction_domain::UserId;
use auction_oracle::notifications::{lead_notifications_match, single_notifications_match};
use auction_wire::EventRecord;
use auction_wire::notification::Notification;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Largest auction whose highest bids are checked: the model compares every version with every other.
const MAX_AUCTION_EVENTS: usize = 150;

/// Maximum number of events in all auctions whose highest bids are checked.
const MAX_EVENTS: usize = 5_000;

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let Some(sent) = &evidence.notifications else { return Vec::new() };
    let mut single =
        Check::new("every win and doubled bid is notified once, and no notification is repeated");
    let mut leads = Check::new("notifications of the highest bid match the model (small auctions)");
    let mut events: HashMap<Uuid, Vec<EventRecord>> = HashMap::new();
    for record in evidence.events() {
        events.entry(record.key).or_default().push(record.clone());
    }
    let mut ids = HashSet::new();
    let mut notifications: HashMap<Uuid, Vec<(UserId, Notification)>> = HashMap::new();
    for (user, notification) in sent {
        let (id, auction) = (notification.id, notification.content.auction);
        single.verify(ids.insert(id), || format!("notification {id} is repeated"));
        notifications.entry(auction).or_default().push((*user, notification.clone()));
    }
    let deleted = evidence.deleted_users();
    // The inbox of a deleted user is empty.
    let wants = |user: UserId, _| !deleted.contains(&user.0);
    let mut remaining = MAX_EVENTS;
    for auction in &evidence.run_ids.auctions {
        let events = events.remove(auction).unwrap_or_default();
        let sent = notifications.remove(auction).unwrap_or_default();
        let verify = |check: &mut Check, result: Result<(), String>| {
            check.verify(result.is_ok(), || {
                format!("auction {auction}: {}", result.err().unwrap_or_default())
            });
        };
        verify(&mut single, single_notifications_match(&events, &sent, &wants));
        if events.len() <= MAX_AUCTION_EVENTS.min(remaining) {
            remaining -= events.len();
            verify(&mut leads, lead_notifications_match(&events, &sent, &wants));
        }
    }
    for auction in notifications.keys() {
        single.fail(|| format!("users were notified of auction {auction}, which is not part of the run"));
    }
    vec![single, leads]
}
