//! Collects the notifications of a batch of events.

use super::leading_bid::{LeadChange, LeadingBid};
use crate::ports::notifications::notification_store::{Notification, NotificationBatch};
use crate::projector::{AuctionProjection, ProjectionCache};
use auction_domain::auction::{Auction, AuctionEvent, Bid, Status, Winner};
use auction_domain::user::{NotificationKind, NotificationPreferences, UserEvent};
use auction_domain::{Amount, BidId, Timestamp, UserId};
use auction_wire::api::Money;
use auction_wire::notification::{BidderStatus, NotificationBody, NotificationContent};
use auction_wire::{EventRecord, PartitionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids of notifications.
const NOTIFICATIONS: Uuid = Uuid::from_u128(0x5b0e_7e1c_41d8_5f7a_9a60_2c3d_8d10_77be);

/// Notifications and preferences of a batch of events.
#[derive(Debug, Default)]
pub(super) struct PendingNotifications {
    /// Notifications with the positions of their events.
    ready: Vec<(u64, Notification)>,
    leads: BTreeMap<Uuid, LeadChange>,
    preferences: BTreeMap<UserId, NotificationPreferences>,
    deleted: BTreeSet<UserId>,
}

impl PendingNotifications {
    /// Adds an event of a user.
    pub(super) fn user(&mut self, user: UserId, event: &UserEvent) {
        match event {
            UserEvent::UserCreated => {}
            UserEvent::NotificationPreferencesChanged(to) => drop(self.preferences.insert(user, *to)),
            UserEvent::UserDeleted => {
                self.preferences.insert(user, NotificationPreferences::NONE);
                self.deleted.insert(user);
            }
        }
    }

    /// Adds an event of an auction, which is applied to the projection already. `before` is the leading bid
    /// before the event.
    pub(super) fn auction(
        &mut self,
        partition: PartitionId,
        record: &EventRecord,
        event: &AuctionEvent,
        before: Option<LeadingBid>,
        projection: &AuctionProjection,
    ) {
        let now = LeadingBid::of(&projection.auction);
        if before != now {
            let change = self.leads.entry(record.key).or_insert_with(|| LeadChange::since(before));
            change.add(event, now, record.position, record.at);
        }
        let body = match event {
            AuctionEvent::WinnerAnnounced(winner) => Some((winner.bidder, won(&projection.auction, winner))),
            AuctionEvent::BidDoubled { bid, bidder, effective } => {
                Some((*bidder, doubled(&projection.auction, *bid, *effective)))
            }
            // The bids stay as they were.
            AuctionEvent::AuctionCancelled { .. } => {
                projection.auction.leader().map(|bid| (bid.bidder, cancelled(&projection.auction, bid)))
            }
            _ => None,
        };
        if let Some((user, body)) = body {
            let (place, kind) = ((partition, record.position), body.kind());
            let content = content(record.key, projection, record.at, body);
            self.ready.push((record.position, notification(place, user, kind, content)));
        }
    }

    /// Returns the batch, in the order of the events. Changes of one auction's leading bid are combined.
    pub(super) fn into_batch(
        self,
        partition: PartitionId,
        (from, to): (u64, u64),
        projections: &mut ProjectionCache,
    ) -> NotificationBatch {
        let mut all = self.ready;
        for (key, change) in self.leads {
            let Some(projection) = projections.get(key) else { continue };
            let notifications = highest_bid_notifications(partition, key, projection, &change);
            all.extend(notifications.into_iter().map(|notification| (change.position, notification)));
        }
        // Stable: notifications with the same content stay next to each other, so that they are stored together.
        all.sort_by_key(|(position, _)| *position);
        NotificationBatch {
            partition,
            from,
            to,
            preferences: self.preferences.into_iter().collect(),
            deleted: self.deleted.into_iter().collect(),
            notifications: all.into_iter().map(|(_, notification)| notification).collect(),
        }
    }
}

/// Creates the notifications of a changed leading bid, for all bidders with an active bid.
fn highest_bid_notifications(
    partition: PartitionId,
    key: Uuid,
    projection: &AuctionProjection,
    change: &LeadChange,
) -> Vec<Notification> {
    let auction = &projection.auction;
    let now = LeadingBid::of(auction).filter(|now| change.is_changed(*now));
    let Some(now) = now.filter(|_| auction.status() != Status::Cancelled) else { return Vec::new() };
    let by_status = [BidderStatus::Leading, BidderStatus::Outbid, BidderStatus::Behind].map(|status| {
        let (highest, ends_at) = (money(auction, now.effective), auction.ends_at().into());
        let body = NotificationBody::HighestBid { standing: status, highest, ends_at };
        (status, content(key, projection, change.at, body))
    });
    let place = (partition, change.position);
    let notifications = by_status.iter().flat_map(|(status, content)| {
        let bidders = auction.bidders().filter(|bidder| change.bidder_status(now, *bidder) == Some(*status));
        bidders.map(|bidder| notification(place, bidder, NotificationKind::HighestBid, Arc::clone(content)))
    });
    notifications.collect()
}

fn won(auction: &Auction, winner: &Winner) -> NotificationBody {
    let (price, counts_for) = (money(auction, winner.price), money(auction, winner.effective));
    NotificationBody::AuctionWon { bid: winner.bid.0, price, counts_for }
}

fn doubled(auction: &Auction, bid: BidId, effective: Amount) -> NotificationBody {
    let amount = auction.bid(bid).map_or(effective, |bid| bid.amount);
    let (amount, counts_for) = (money(auction, amount), money(auction, effective));
    NotificationBody::BidDoubled { bid: bid.0, amount, counts_for }
}

fn cancelled(auction: &Auction, leader: &Bid) -> NotificationBody {
    let (amount, counts_for) = (money(auction, leader.amount), money(auction, leader.effective()));
    NotificationBody::AuctionCancelled { bid: leader.id.0, amount, counts_for }
}

fn money(auction: &Auction, amount: Amount) -> Money {
    Money { amount: amount.minor_units(), currency: auction.terms().currency.code().to_owned() }
}

/// Encodes the content of a notification. Plain structs with text keys always encode.
fn content(key: Uuid, projection: &AuctionProjection, at: Timestamp, body: NotificationBody) -> Arc<[u8]> {
    let (title, version) = (projection.title.as_str().to_owned(), projection.auction.version());
    let content = NotificationContent { at: at.into(), auction: key, title, version, body };
    serde_json::to_vec(&content).unwrap_or_default().into()
}

fn notification(
    (partition, position): (PartitionId, u64),
    user: UserId,
    kind: NotificationKind,
    content: Arc<[u8]>,
) -> Notification {
    let mut name = [0; 27];
    name[..2].copy_from_slice(&partition.0.to_be_bytes());
    name[2..10].copy_from_slice(&position.to_be_bytes());
    name[10] = kind as u8;
    name[11..].copy_from_slice(user.0.as_bytes());
    Notification { id: Uuid::new_v5(&NOTIFICATIONS, &name), user, kind, content }
}
