//! What users should have been told, by a plain model of the events: every notification is compared with
//! what the auction was like at the version that it speaks of, and none may be missing or too many.

use auction_domain::auction::AuctionEvent;
use auction_domain::user::NotificationKind;
use auction_domain::{BidId, UserId};
use auction_wire::notification::{BidderStatus, Notification, NotificationBody, NotificationContent};
use auction_wire::{Event, EventRecord};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Who wants to know of the highest bid.
type Wants<'a> = &'a dyn Fn(UserId) -> bool;

/// One auction after each of its events: the index is the version.
#[derive(Default)]
struct Auction(Vec<Moment>);

#[derive(Clone, Default)]
struct Moment {
    /// Bid, bidder, what it counts for, since which version: those that count.
    live: Vec<(BidId, UserId, u64, usize)>,
    faces: BTreeMap<BidId, u64>,
    /// The bid that was placed by this event.
    placed: Option<BidId>,
    cancelled: bool,
}

impl Moment {
    fn lead(&self) -> Option<(BidId, UserId, u64)> {
        let best = self.live.iter().max_by_key(|(_, _, amount, since)| (*amount, std::cmp::Reverse(*since)));
        best.map(|(bid, bidder, amount, _)| (*bid, *bidder, *amount))
    }

    fn leader(&self) -> Option<UserId> {
        self.lead().map(|(_, bidder, _)| bidder)
    }

    fn bidders(&self) -> BTreeSet<UserId> {
        self.live.iter().map(|(_, bidder, ..)| *bidder).collect()
    }
}

impl Auction {
    fn add(&mut self, event: &AuctionEvent) {
        if self.0.is_empty() {
            self.0.push(Moment::default()); // before its first event
        }
        let version = self.0.len();
        let mut next = Moment { placed: None, ..self.0[version - 1].clone() };
        match event {
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                next.live.push((*bid, *bidder, amount.minor_units(), version));
                next.faces.insert(*bid, amount.minor_units());
                next.placed = Some(*bid);
            }
            AuctionEvent::BidDeleted { bid, .. } | AuctionEvent::BidVoided { bid, .. } => {
                next.live.retain(|(of, ..)| of != bid);
            }
            AuctionEvent::BidsRetracted { bids, .. } => next.live.retain(|(of, ..)| !bids.contains(of)),
            AuctionEvent::BidDoubled { bid, effective, .. } => {
                let doubled = next.live.iter_mut().filter(|(of, ..)| of == bid);
                doubled.for_each(|of| (of.2, of.3) = (effective.minor_units(), version));
            }
            AuctionEvent::AuctionCancelled => next.cancelled = true,
            _ => {}
        }
        self.0.push(next);
    }

    /// What a bidder may be told at a version, if all was told up to another one; `None` is nothing.
    fn told(&self, since: usize, now: usize, bidder: UserId) -> Option<BidderStatus> {
        let moment = &self.0[now];
        let (bid, leader, _) = moment.lead()?;
        if bidder != leader {
            let led = self.0[since..=now].iter().any(|moment| moment.leader() == Some(bidder));
            return Some(if led { BidderStatus::Outbid } else { BidderStatus::Behind });
        }
        let changes = (since + 1..=now).filter(|v| self.0[*v].lead() != self.0[v - 1].lead());
        let placed = changes.filter_map(|v| self.0[v].placed).next_back() == Some(bid);
        (self.0[since].leader() != Some(leader) && !placed).then_some(BidderStatus::Leading)
    }

    /// Nobody is told anything at a version if all was told up to another one.
    fn is_silent(&self, since: usize, now: usize, wants: Wants<'_>) -> bool {
        let (before, after) = (&self.0[since], &self.0[now]);
        before.lead() == after.lead()
            || after.lead().is_none()
            || after.cancelled
            || after.bidders().iter().all(|of| !wants(*of) || self.told(since, now, *of).is_none())
    }

    /// The versions up to which all may have been told without anybody noticing, since somebody was.
    fn silent(&self, since: usize, until: usize, wants: Wants<'_>) -> Vec<usize> {
        let mut found = vec![since];
        for version in since + 1..=until {
            if found.iter().any(|before| self.is_silent(*before, version, wants)) {
                found.push(version);
            }
        }
        found
    }
}

/// All events, of all partitions, in the order of each; what each user was told, in the order of his inbox;
/// and who wants what. Panics at anything that should not be so.
pub fn assert_notifications_match_model(
    events: &[EventRecord],
    told: &[(UserId, Notification)],
    wants: impl Fn(UserId, NotificationKind) -> bool,
) {
    let mut auctions: BTreeMap<Uuid, Auction> = BTreeMap::new();
    let mut single = BTreeMap::new();
    for record in events {
        let Event::Auction(event) = record.event().unwrap() else { continue };
        let auction = auctions.entry(record.key).or_default();
        auction.add(&event);
        let key = |user| (user, record.key, record.version);
        match event {
            AuctionEvent::WinnerAnnounced(winner) => {
                let (pays, counts) = (winner.pays.minor_units(), winner.effective.minor_units());
                single.insert(key(winner.bidder), (NotificationKind::AuctionWon, winner.bid.0, pays, counts));
            }
            AuctionEvent::BidDoubled { bid, bidder, effective } => {
                let face = auction.0[record.version as usize].faces[&bid];
                let counts = effective.minor_units();
                single.insert(key(bidder), (NotificationKind::BidDoubled, bid.0, face, counts));
            }
            _ => {}
        }
    }
    single.retain(|(user, ..), (kind, ..)| wants(*user, *kind));
    let ids: BTreeSet<Uuid> = told.iter().map(|(_, told)| told.id).collect();
    assert_eq!(ids.len(), told.len(), "the same notification twice");
    let mut leads: BTreeMap<Uuid, BTreeMap<usize, BTreeMap<UserId, BidderStatus>>> = BTreeMap::new();
    for (user, Notification { news, .. }) in told {
        let key = (*user, news.auction, news.version);
        let (kind, bid, face, counts) = match &news.what {
            NotificationBody::AuctionWon { bid, pays, counts_for } => {
                (NotificationKind::AuctionWon, bid, pays.amount, counts_for.amount)
            }
            NotificationBody::BidDoubled { bid, amount, counts_for } => {
                (NotificationKind::BidDoubled, bid, amount.amount, counts_for.amount)
            }
            NotificationBody::HighestBid { standing, highest, .. } => {
                assert!(wants(*user, NotificationKind::HighestBid), "{user} does not want {news:?}");
                let lead = auctions[&news.auction].0[news.version as usize].lead();
                assert_eq!(lead.map(|(_, _, amount)| amount), Some(highest.amount), "{news:?}");
                let versions = leads.entry(news.auction).or_default();
                let told = versions.entry(news.version as usize).or_default().insert(*user, *standing);
                assert_eq!(told, None, "{user} was told twice: {news:?}");
                continue;
            }
        };
        assert_eq!(single.remove(&key), Some((kind, *bid, face, counts)), "{user} was told {news:?}");
    }
    assert!(single.is_empty(), "never told: {single:?}");
    for (key, auction) in &auctions {
        let told = leads.remove(key).unwrap_or_default();
        check_leads(*key, auction, &told, &|user| wants(user, NotificationKind::HighestBid));
    }
}

/// Of one auction: at each version at which anybody was told, everybody was who had to be, and the last
/// change was told.
fn check_leads(
    key: Uuid,
    auction: &Auction,
    told: &BTreeMap<usize, BTreeMap<UserId, BidderStatus>>,
    wants: Wants<'_>,
) {
    let mut since = 0;
    for (now, standings) in told {
        let bidders = auction.0[*now].bidders();
        let silent = auction.silent(since, *now - 1, wants);
        for bidder in bidders.iter().filter(|bidder| wants(**bidder)) {
            let may: Vec<_> = silent.iter().map(|since| auction.told(*since, *now, *bidder)).collect();
            let was = standings.get(bidder).copied();
            assert!(may.contains(&was), "auction {key}, {since} to {now}, {bidder}: {was:?}, not {may:?}");
        }
        let others = standings.keys().find(|user| !bidders.contains(user));
        assert_eq!(others, None, "auction {key} at {now}: he has no bid");
        since = *now;
    }
    let last = auction.0.len() - 1;
    let is_told = auction.silent(since, last, wants).contains(&last);
    assert!(is_told, "auction {key}: nobody was told what happened after {since}, until {last}");
}

/// What an inbox shows, read.
pub fn read(user: UserId, json: &[u8]) -> (UserId, Notification) {
    #[derive(serde::Deserialize)]
    struct Stored {
        id: Uuid,
        #[serde(flatten)]
        news: NotificationContent,
    }
    let Stored { id, news } = serde_json::from_slice(json).unwrap();
    (user, Notification { cursor: String::new(), read: false, id, news })
}
