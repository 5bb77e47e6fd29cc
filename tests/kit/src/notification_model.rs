//! Checks that users received the right notifications, with a simple model of the events: every notification
//! is compared with the state of the auction at the version it names. None may be missing, none may be
//! superfluous.

use auction_domain::auction::AuctionEvent;
use auction_domain::user::NotificationKind;
use auction_domain::{Amount, BidId, UserId};
use auction_wire::api::Money;
use auction_wire::notification::{BidderStatus, Notification, NotificationBody, NotificationContent};
use auction_wire::{Event, EventRecord};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Returns whether a user wants notifications about the highest bid.
type Wants<'a> = &'a dyn Fn(UserId) -> bool;

/// States of one auction, one after each of its events. The index is the version.
#[derive(Default)]
struct Auction(Vec<AuctionState>);

#[derive(Clone, Default)]
struct AuctionState {
    /// Active bids: bid, bidder, effective amount, and the version at which the bid reached it.
    active: Vec<(BidId, UserId, u64, usize)>,
    /// Amount of each bid, without doubling.
    amounts: BTreeMap<BidId, Amount>,
    /// Currency code of the auction.
    currency: String,
    /// Bid placed by the event that led to this state.
    placed: Option<BidId>,
    cancelled: bool,
}

impl AuctionState {
    fn lead(&self) -> Option<(BidId, UserId, u64)> {
        let best =
            self.active.iter().max_by_key(|(_, _, amount, since)| (*amount, std::cmp::Reverse(*since)));
        best.map(|(bid, bidder, amount, _)| (*bid, *bidder, *amount))
    }

    fn leader(&self) -> Option<UserId> {
        self.lead().map(|(_, bidder, _)| bidder)
    }

    fn bidders(&self) -> BTreeSet<UserId> {
        self.active.iter().map(|(_, bidder, ..)| *bidder).collect()
    }
}

impl Auction {
    fn add(&mut self, event: &AuctionEvent) {
        if self.0.is_empty() {
            self.0.push(AuctionState::default()); // state before the first event
        }
        let version = self.0.len();
        let mut next = AuctionState { placed: None, ..self.0[version - 1].clone() };
        match event {
            AuctionEvent::AuctionCreated { terms, .. } => next.currency = terms.currency.code().to_owned(),
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                next.active.push((*bid, *bidder, amount.minor_units(), version));
                next.amounts.insert(*bid, *amount);
                next.placed = Some(*bid);
            }
            AuctionEvent::BidDeleted { bid, .. } | AuctionEvent::BidVoided { bid, .. } => {
                next.active.retain(|(of, ..)| of != bid);
            }
            AuctionEvent::BidsRetracted { bids, .. } => next.active.retain(|(of, ..)| !bids.contains(of)),
            AuctionEvent::BidDoubled { bid, effective, .. } => {
                let doubled = next.active.iter_mut().filter(|(of, ..)| of == bid);
                doubled.for_each(|of| (of.2, of.3) = (effective.minor_units(), version));
            }
            AuctionEvent::AuctionCancelled { .. } => next.cancelled = true,
            _ => {}
        }
        self.0.push(next);
    }

    /// Returns the notification that a bidder must receive at version `now`, if all notifications up to
    /// version `since` were sent. `None`: no notification.
    fn expected_status(&self, since: usize, now: usize, bidder: UserId) -> Option<BidderStatus> {
        let state = &self.0[now];
        let (bid, leader, _) = state.lead()?;
        if bidder != leader {
            let led = self.0[since..=now].iter().any(|state| state.leader() == Some(bidder));
            return Some(if led { BidderStatus::Outbid } else { BidderStatus::Behind });
        }
        let changes = (since + 1..=now).filter(|v| self.0[*v].lead() != self.0[v - 1].lead());
        let placed = changes.filter_map(|v| self.0[v].placed).next_back() == Some(bid);
        (self.0[since].leader() != Some(leader) && !placed).then_some(BidderStatus::Leading)
    }

    /// Returns whether version `now` causes no notification, if all notifications up to version `since` were
    /// sent.
    fn causes_none(&self, since: usize, now: usize, wants: Wants<'_>) -> bool {
        let (before, after) = (&self.0[since], &self.0[now]);
        before.lead() == after.lead()
            || after.lead().is_none()
            || after.cancelled
            || after.bidders().iter().all(|of| !wants(*of) || self.expected_status(since, now, *of).is_none())
    }

    /// Returns the versions up to which everything may have been notified, if the last notification was sent
    /// at version `since`: a notifier may combine several versions, and a version without notifications
    /// leaves no trace.
    fn possible_progress(&self, since: usize, until: usize, wants: Wants<'_>) -> Vec<usize> {
        let mut found = vec![since];
        for version in since + 1..=until {
            if found.iter().any(|before| self.causes_none(*before, version, wants)) {
                found.push(version);
            }
        }
        found
    }
}

/// Compares the notifications of all users with the events. Panics if one is missing, wrong or superfluous.
///
/// `events` holds the events of all partitions, each partition in order. `sent` holds the notifications of
/// each user in inbox order. `wants` returns whether a user wants a kind of notification.
pub fn assert_notifications_match_model(
    events: &[EventRecord],
    sent: &[(UserId, Notification)],
    wants: impl Fn(UserId, NotificationKind) -> bool,
) {
    let mut auctions: BTreeMap<Uuid, Auction> = BTreeMap::new();
    let mut single = BTreeMap::new();
    for record in events {
        let Event::Auction(event) = record.event().unwrap() else { continue };
        let auction = auctions.entry(record.key).or_default();
        auction.add(&event);
        let key = |user| (user, record.key, record.version);
        let state = &auction.0[record.version as usize];
        let money = |amount: Amount| Money { amount: amount.minor_units(), currency: state.currency.clone() };
        match event {
            AuctionEvent::WinnerAnnounced(winner) => {
                let (price, counts_for) = (money(winner.price), money(winner.effective));
                let body = NotificationBody::AuctionWon { bid: winner.bid.0, price, counts_for };
                single.insert(key(winner.bidder), body);
            }
            AuctionEvent::BidDoubled { bid, bidder, effective } => {
                let amount = money(state.amounts[&bid]);
                let body = NotificationBody::BidDoubled { bid: bid.0, amount, counts_for: money(effective) };
                single.insert(key(bidder), body);
            }
            _ => {}
        }
    }
    single.retain(|(user, ..), body| wants(*user, body.kind()));
    let ids: BTreeSet<Uuid> = sent.iter().map(|(_, notification)| notification.id).collect();
    assert_eq!(ids.len(), sent.len(), "a notification id occurs twice");
    let mut leads: BTreeMap<Uuid, BTreeMap<usize, BTreeMap<UserId, BidderStatus>>> = BTreeMap::new();
    for (user, Notification { content, .. }) in sent {
        let key = (*user, content.auction, content.version);
        let NotificationBody::HighestBid { standing, highest, .. } = &content.body else {
            assert_eq!(single.remove(&key).as_ref(), Some(&content.body), "{user} received {content:?}");
            continue;
        };
        assert!(wants(*user, NotificationKind::HighestBid), "{user} does not want {content:?}");
        let lead = auctions[&content.auction].0[content.version as usize].lead();
        assert_eq!(lead.map(|(_, _, amount)| amount), Some(highest.amount), "{content:?}");
        let versions = leads.entry(content.auction).or_default();
        let previous = versions.entry(content.version as usize).or_default().insert(*user, *standing);
        assert_eq!(previous, None, "{user} was notified twice: {content:?}");
    }
    assert!(single.is_empty(), "missing notifications: {single:?}");
    for (key, auction) in &auctions {
        let sent = leads.remove(key).unwrap_or_default();
        check_leads(*key, auction, &sent, &|user| wants(user, NotificationKind::HighestBid));
    }
}

/// Checks the highest-bid notifications of one auction: at each version with a notification, every bidder who
/// needed one received it, and no notification is missing at the end.
fn check_leads(
    key: Uuid,
    auction: &Auction,
    sent: &BTreeMap<usize, BTreeMap<UserId, BidderStatus>>,
    wants: Wants<'_>,
) {
    let mut since = 0;
    for (now, statuses) in sent {
        let bidders = auction.0[*now].bidders();
        let progress = auction.possible_progress(since, *now - 1, wants);
        for bidder in bidders.iter().filter(|bidder| wants(**bidder)) {
            let expected: Vec<_> =
                progress.iter().map(|since| auction.expected_status(*since, *now, *bidder)).collect();
            let status = statuses.get(bidder).copied();
            assert!(
                expected.contains(&status),
                "auction {key}, versions {since} to {now}, {bidder}: {status:?}, expected one of {expected:?}"
            );
        }
        let others = statuses.keys().find(|user| !bidders.contains(user));
        assert_eq!(others, None, "auction {key} at {now}: a user without a bid was notified");
        since = *now;
    }
    let last = auction.0.len() - 1;
    let is_complete = auction.possible_progress(since, last, wants).contains(&last);
    assert!(is_complete, "auction {key}: no notification for versions after {since}, until {last}");
}

/// Decodes the stored JSON of a notification.
pub fn read(user: UserId, json: &[u8]) -> (UserId, Notification) {
    #[derive(serde::Deserialize)]
    struct Stored {
        id: Uuid,
        #[serde(flatten)]
        content: NotificationContent,
    }
    let Stored { id, content } = serde_json::from_slice(json).unwrap();
    (user, Notification { cursor: String::new(), read: false, id, content })
}
