//! What there is to tell of a batch of events.

use super::leading_bid::{LeadChange, LeadingBid};
use crate::ports::notifications::notification_store::{Notification, NotificationBatch};
use crate::projector::{AuctionProjection, ProjectionCache};
use auction_domain::auction::{Auction, AuctionEvent, Status, Winner};
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

/// Notifications, with the positions of the events that they follow from, and choices.
#[derive(Debug, Default)]
pub(super) struct PendingNotifications {
    ready: Vec<(u64, Notification)>,
    leads: BTreeMap<Uuid, LeadChange>,
    subscriptions: BTreeMap<UserId, NotificationPreferences>,
    deleted: BTreeSet<UserId>,
}

impl PendingNotifications {
    /// Notes an event of a user.
    pub(super) fn user(&mut self, user: UserId, event: &UserEvent) {
        match event {
            UserEvent::UserCreated => {}
            UserEvent::SubscriptionsChanged(to) => drop(self.subscriptions.insert(user, *to)),
            UserEvent::UserDeleted => {
                self.subscriptions.insert(user, NotificationPreferences::NONE);
                self.deleted.insert(user);
            }
        }
    }

    /// Notes an event of an auction that was folded into its board; `before` is who led before.
    pub(super) fn auction(
        &mut self,
        partition: PartitionId,
        record: &EventRecord,
        event: &AuctionEvent,
        before: Option<LeadingBid>,
        board: &AuctionProjection,
    ) {
        let now = LeadingBid::of(&board.auction);
        if before != now {
            let change = self.leads.entry(record.key).or_insert_with(|| LeadChange::since(before));
            change.add(event, now, record.position, record.at);
        }
        let what = match event {
            AuctionEvent::WinnerAnnounced(winner) => Some((winner.bidder, won(&board.auction, winner))),
            AuctionEvent::BidDoubled { bid, bidder, effective } => {
                Some((*bidder, doubled(&board.auction, *bid, *effective)))
            }
            _ => None,
        };
        if let Some((user, (kind, what))) = what {
            let place = (partition, record.position);
            let news = news(record.key, board, record.at, what);
            self.ready.push((record.position, notification(place, user, kind, news)));
        }
    }

    /// Everything, in the order of the events; what changed more than once is told as it is now.
    pub(super) fn into_batch(
        self,
        partition: PartitionId,
        (from, to): (u64, u64),
        boards: &mut ProjectionCache,
    ) -> NotificationBatch {
        let mut all = self.ready;
        for (key, change) in self.leads {
            let Some(board) = boards.get(key) else { continue };
            all.extend(told(partition, key, board, &change).into_iter().map(|told| (change.position, told)));
        }
        all.sort_by_key(|(position, notification)| (*position, notification.user));
        NotificationBatch {
            partition,
            from,
            to,
            subscriptions: self.subscriptions.into_iter().collect(),
            deleted: self.deleted.into_iter().collect(),
            notifications: all.into_iter().map(|(_, notification)| notification).collect(),
        }
    }
}

/// A changed lead, told to everybody who has a bid that counts.
fn told(
    partition: PartitionId,
    key: Uuid,
    board: &AuctionProjection,
    change: &LeadChange,
) -> Vec<Notification> {
    let auction = &board.auction;
    let now = LeadingBid::of(auction).filter(|now| change.is_news(*now));
    let Some(now) = now.filter(|_| auction.status() != Status::Cancelled) else { return Vec::new() };
    let by_standing = [BidderStatus::Leading, BidderStatus::Outbid, BidderStatus::Behind].map(|standing| {
        let (highest, ends_at) = (money(auction, now.effective), auction.ends_at().into());
        let what = NotificationBody::HighestBid { standing, highest, ends_at };
        (standing, news(key, board, change.at, what))
    });
    let of = |standing| by_standing.iter().find(|(of, _)| *of == standing).map(|(_, news)| Arc::clone(news));
    let place = (partition, change.position);
    let bidders = auction.bidders().filter_map(|bidder| {
        let news = of(change.standing(now, bidder)?)?;
        Some(notification(place, bidder, NotificationKind::HighestBid, news))
    });
    bidders.collect()
}

fn won(auction: &Auction, winner: &Winner) -> (NotificationKind, NotificationBody) {
    let (pays, counts_for) = (money(auction, winner.pays), money(auction, winner.effective));
    (NotificationKind::AuctionWon, NotificationBody::AuctionWon { bid: winner.bid.0, pays, counts_for })
}

fn doubled(auction: &Auction, bid: BidId, effective: Amount) -> (NotificationKind, NotificationBody) {
    let amount = auction.bid(bid).map_or(effective, |bid| bid.amount);
    let (amount, counts_for) = (money(auction, amount), money(auction, effective));
    (NotificationKind::BidDoubled, NotificationBody::BidDoubled { bid: bid.0, amount, counts_for })
}

fn money(auction: &Auction, amount: Amount) -> Money {
    Money { amount: amount.minor_units(), currency: auction.terms().currency.code().to_owned() }
}

/// News are plain structs with text keys; writing them as JSON cannot fail.
fn news(key: Uuid, board: &AuctionProjection, at: Timestamp, what: NotificationBody) -> Arc<[u8]> {
    let (title, version) = (board.title.as_str().to_owned(), board.auction.version());
    let news = NotificationContent { at: at.into(), auction: key, title, version, what };
    serde_json::to_vec(&news).unwrap_or_default().into()
}

fn notification(
    (partition, position): (PartitionId, u64),
    user: UserId,
    kind: NotificationKind,
    news: Arc<[u8]>,
) -> Notification {
    let mut name = [0; 27];
    name[..2].copy_from_slice(&partition.0.to_be_bytes());
    name[2..10].copy_from_slice(&position.to_be_bytes());
    name[10] = kind as u8;
    name[11..].copy_from_slice(user.0.as_bytes());
    Notification { id: Uuid::new_v5(&NOTIFICATIONS, &name), user, kind, news }
}
