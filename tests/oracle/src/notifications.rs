//! Checks that users received the right notifications: every notification is compared with the state of the
//! auction at the version it names. None may be missing, none may be superfluous.

use crate::auction::{AuctionModel, effective};
use auction_domain::auction::{AuctionEvent, Bid, Status};
use auction_domain::user::NotificationKind;
use auction_domain::{BidId, UserId};
use auction_wire::notification::{BidderStatus, Notification, NotificationBody};
use auction_wire::{Event, EventRecord};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Returns whether a user wants a kind of notification.
type Wants<'a> = &'a dyn Fn(UserId, NotificationKind) -> bool;

/// Compares the notifications of all users with the events. Returns an error if one is missing, wrong or
/// superfluous.
///
/// `events` holds the events of all partitions, each partition in order. `sent` holds the notifications of
/// each user in inbox order.
pub fn notifications_match(
    events: &[EventRecord],
    sent: &[(UserId, Notification)],
    wants: Wants<'_>,
) -> Result<(), String> {
    single_notifications_match(events, sent, wants)?;
    lead_notifications_match(events, sent, wants)
}

fn ensure(holds: bool, error: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(error()) }
}

/// Compares the notifications of results, doubled bids and cancelled auctions: one for each such event. Takes
/// linear time.
pub fn single_notifications_match(
    events: &[EventRecord],
    sent: &[(UserId, Notification)],
    wants: Wants<'_>,
) -> Result<(), String> {
    let mut amounts = HashMap::new();
    let mut single = BTreeMap::new();
    let mut cancelled = CancelledAuctions::of(events);
    for record in events {
        let Event::Auction(event) = record.event().unwrap() else { continue };
        cancelled.fold(record, &event);
        let key = |user| (user, record.key, record.version);
        match event {
            AuctionEvent::BidPlaced { bid, amount, .. } => {
                amounts.insert(bid, amount.minor_units());
            }
            AuctionEvent::WinnerAnnounced(winner) => {
                let (price, counts) = (winner.price.minor_units(), winner.effective.minor_units());
                single
                    .insert(key(winner.bidder), (NotificationKind::AuctionWon, winner.bid.0, price, counts));
            }
            AuctionEvent::BidDoubled { bid, bidder, effective } => {
                let amount = amounts.get(&bid).copied().unwrap_or_default();
                let counts = effective.minor_units();
                single.insert(key(bidder), (NotificationKind::BidDoubled, bid.0, amount, counts));
            }
            AuctionEvent::AuctionCancelled { .. } => {
                if let Some(leader) = cancelled.leader(record.key) {
                    let (amount, counts) = (leader.amount.minor_units(), effective(leader));
                    let expected = (NotificationKind::AuctionCancelled, leader.id.0, amount, counts);
                    single.insert(key(leader.bidder), expected);
                }
            }
            _ => {}
        }
    }
    single.retain(|(user, ..), (kind, ..)| wants(*user, *kind));
    let mut ids = BTreeSet::new();
    for (user, Notification { id, content, .. }) in sent {
        ensure(ids.insert(id), || format!("notification {id} is repeated"))?;
        let (kind, bid, amount, counts) = match &content.body {
            NotificationBody::AuctionWon { bid, price, counts_for } => {
                (NotificationKind::AuctionWon, bid, price.amount, counts_for.amount)
            }
            NotificationBody::BidDoubled { bid, amount, counts_for } => {
                (NotificationKind::BidDoubled, bid, amount.amount, counts_for.amount)
            }
            NotificationBody::AuctionCancelled { bid, amount, counts_for } => {
                (NotificationKind::AuctionCancelled, bid, amount.amount, counts_for.amount)
            }
            NotificationBody::HighestBid { .. } => continue,
        };
        let expected = single.remove(&(*user, content.auction, content.version));
        ensure(expected == Some((kind, *bid, amount, counts)), || {
            format!("{user} received {content:?}, expected {expected:?}")
        })?;
    }
    ensure(single.is_empty(), || format!("missing notifications: {single:?}"))
}

/// Models of the auctions that are cancelled: the leading bidder of each is notified.
struct CancelledAuctions(HashMap<Uuid, Option<AuctionModel>>);

impl CancelledAuctions {
    fn of(events: &[EventRecord]) -> CancelledAuctions {
        let cancelled = events.iter().filter(|record| record.kind == "auction_cancelled");
        CancelledAuctions(cancelled.map(|record| (record.key, None)).collect())
    }

    fn fold(&mut self, record: &EventRecord, event: &AuctionEvent) {
        let Some(model) = self.0.get_mut(&record.key) else { return };
        match model {
            None => *model = AuctionModel::of(event, record.at),
            Some(model) => model.fold(event, record.at),
        }
    }

    fn leader(&self, auction: Uuid) -> Option<&Bid> {
        self.0.get(&auction)?.as_ref()?.leader()
    }
}

/// Compares the notifications of the highest bid. Takes quadratic time: every version is compared with every
/// other.
pub fn lead_notifications_match(
    events: &[EventRecord],
    sent: &[(UserId, Notification)],
    wants: Wants<'_>,
) -> Result<(), String> {
    let wants = &|user| wants(user, NotificationKind::HighestBid);
    let mut auctions: BTreeMap<Uuid, Leads> = BTreeMap::new();
    for record in events {
        if let Event::Auction(event) = record.event().unwrap() {
            auctions.entry(record.key).or_default().add(&event, record);
        }
    }
    let mut statuses: BTreeMap<Uuid, BTreeMap<usize, BTreeMap<UserId, BidderStatus>>> = BTreeMap::new();
    for (user, Notification { content, .. }) in sent {
        let NotificationBody::HighestBid { standing, highest, .. } = &content.body else { continue };
        ensure(wants(*user), || format!("{user} does not want {content:?}"))?;
        let version = content.version as usize;
        let state = auctions.get(&content.auction).and_then(|leads| leads.states.get(version));
        let lead = state.and_then(|state| state.lead).map(|(_, _, amount)| amount);
        ensure(lead == Some(highest.amount), || format!("{content:?}, expected the highest bid {lead:?}"))?;
        let versions = statuses.entry(content.auction).or_default();
        let previous = versions.entry(version).or_default().insert(*user, *standing);
        ensure(previous.is_none(), || format!("{user} was notified twice: {content:?}"))?;
    }
    auctions.iter().try_for_each(|(key, leads)| {
        leads
            .check(&statuses.remove(key).unwrap_or_default(), wants)
            .map_err(|rule| format!("auction {key}{rule}"))
    })
}

/// States of one auction, one after each of its events. The index is the version.
#[derive(Default)]
struct Leads {
    model: Option<AuctionModel>,
    states: Vec<State>,
}

#[derive(Default)]
struct State {
    /// Bid, bidder and effective amount of the best bid.
    lead: Option<(BidId, UserId, u64)>,
    /// Users with an active bid.
    bidders: BTreeSet<UserId>,
    /// Bid placed by the event that led to this state.
    placed: Option<BidId>,
    is_cancelled: bool,
}

impl State {
    fn leader(&self) -> Option<UserId> {
        self.lead.map(|(_, bidder, _)| bidder)
    }
}

impl Leads {
    fn add(&mut self, event: &AuctionEvent, record: &EventRecord) {
        let Some(model) = &mut self.model else {
            self.model = AuctionModel::of(event, record.at);
            if self.model.is_some() {
                self.states = vec![State::default(), State::default()]; // before and after the creation
            }
            return;
        };
        model.fold(event, record.at);
        self.states.push(State {
            lead: model.leader().map(|bid| (bid.id, bid.bidder, effective(bid))),
            bidders: model.active().map(|bid| bid.bidder).collect(),
            placed: if let AuctionEvent::BidPlaced { bid, .. } = event { Some(*bid) } else { None },
            is_cancelled: model.status == Status::Cancelled,
        });
    }

    /// Returns the notification that a bidder must receive at version `now`, if all notifications up to
    /// version `since` were sent. `None`: no notification.
    fn expected_status(&self, since: usize, now: usize, bidder: UserId) -> Option<BidderStatus> {
        let state = &self.states[now];
        let (bid, leader, _) = state.lead?;
        if bidder != leader {
            let led = self.states[since..=now].iter().any(|state| state.leader() == Some(bidder));
            return Some(if led { BidderStatus::Outbid } else { BidderStatus::Behind });
        }
        let changes = (since + 1..=now).filter(|v| self.states[*v].lead != self.states[v - 1].lead);
        let placed = changes.filter_map(|v| self.states[v].placed).next_back() == Some(bid);
        (self.states[since].leader() != Some(leader) && !placed).then_some(BidderStatus::Leading)
    }

    /// Returns whether version `now` causes no notification, if all notifications up to version `since` were
    /// sent.
    fn causes_none(&self, since: usize, now: usize, wants: &dyn Fn(UserId) -> bool) -> bool {
        let (before, after) = (&self.states[since], &self.states[now]);
        before.lead == after.lead
            || after.lead.is_none()
            || after.is_cancelled
            || after.bidders.iter().all(|of| !wants(*of) || self.expected_status(since, now, *of).is_none())
    }

    /// Returns the versions up to which everything may have been notified, if the last notification was sent
    /// at version `since`: a notifier may combine several versions, and a version without notifications
    /// leaves no trace.
    fn possible_progress(&self, since: usize, until: usize, wants: &dyn Fn(UserId) -> bool) -> Vec<usize> {
        let mut found = vec![since];
        for version in since + 1..=until {
            if found.iter().any(|before| self.causes_none(*before, version, wants)) {
                found.push(version);
            }
        }
        found
    }

    /// Checks that at each version with a notification, every bidder who needed one received it, and that no
    /// notification is missing at the end.
    fn check(
        &self,
        sent: &BTreeMap<usize, BTreeMap<UserId, BidderStatus>>,
        wants: &dyn Fn(UserId) -> bool,
    ) -> Result<(), String> {
        let mut since = 0;
        for (now, statuses) in sent {
            let bidders = &self.states[*now].bidders;
            let progress = self.possible_progress(since, *now - 1, wants);
            for bidder in bidders.iter().filter(|bidder| wants(**bidder)) {
                let expected: Vec<_> =
                    progress.iter().map(|since| self.expected_status(*since, *now, *bidder)).collect();
                let status = statuses.get(bidder).copied();
                ensure(expected.contains(&status), || {
                    format!(", versions {since} to {now}, {bidder}: {status:?}, expected one of {expected:?}")
                })?;
            }
            let other = statuses.keys().find(|user| !bidders.contains(user));
            ensure(other.is_none(), || format!(" at {now}: {other:?} has no bid and was notified"))?;
            since = *now;
        }
        let last = self.states.len().saturating_sub(1);
        let is_complete = self.possible_progress(since, last, wants).contains(&last);
        ensure(is_complete, || format!(": no notification for versions after {since}, until {last}"))
    }
}
