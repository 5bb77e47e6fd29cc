//! Inline projections: the rows that are written in the transaction of the events.
//!
//! The events of a batch are folded to one final row per key, so that a row is inserted or updated once.

use auction_app::ports::events::event_store::NewEvent;
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::{BidId, Timestamp};
use auction_wire::Event;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of a batch, as columns for the arrays of `append_batch`.
#[derive(Debug, Default)]
pub(crate) struct InlineRows {
    /// Times of creation and deletion.
    pub(crate) users: Columns<(i64, Option<i64>)>,
    /// Deletion times of users from earlier batches.
    pub(crate) deleted_users: Columns<i64>,
    /// Users to add to the table of deletions.
    pub(crate) deletions: Vec<Uuid>,
    /// Seller, status, end, and whether its seed is still to be revealed.
    pub(crate) auctions: Columns<(Option<Uuid>, &'static str, i64, bool)>,
    /// New status, new end, and whether its seed was revealed.
    pub(crate) changed_auctions: Columns<(Option<&'static str>, Option<i64>, bool)>,
    pub(crate) bids: Columns<NewBid>,
    /// Whether it was doubled, and the new state.
    pub(crate) changed_bids: Columns<(bool, Option<&'static str>)>,
    /// Whether a user gets an open interest, as a bidder or as a seller. Then the append takes the deletion
    /// lock, shared.
    pub(crate) adds_open_interests: bool,
}

/// Bid that is placed in this batch.
#[derive(Debug)]
pub(crate) struct NewBid {
    pub(crate) auction: Uuid,
    pub(crate) bidder: Uuid,
    pub(crate) amount: i64,
    pub(crate) doubled: bool,
    pub(crate) state: &'static str,
}

/// Rows by key, in the order in which the keys were added.
#[derive(Debug)]
pub(crate) struct Columns<T> {
    keys: Vec<Uuid>,
    values: Vec<T>,
    index: HashMap<Uuid, usize>,
}

impl<T> Default for Columns<T> {
    fn default() -> Columns<T> {
        Columns { keys: Vec::new(), values: Vec::new(), index: HashMap::new() }
    }
}

impl<T> Columns<T> {
    fn insert(&mut self, key: Uuid, value: T) {
        self.index.insert(key, self.keys.len());
        self.keys.push(key);
        self.values.push(value);
    }

    fn get_mut(&mut self, key: Uuid) -> Option<&mut T> {
        self.index.get(&key).map(|index| &mut self.values[*index])
    }

    fn entry(&mut self, key: Uuid, value: T) -> &mut T {
        let index = *self.index.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.values.push(value);
            self.keys.len() - 1
        });
        &mut self.values[index]
    }

    pub(crate) fn keys(&self) -> &[Uuid] {
        &self.keys
    }

    pub(crate) fn column<C>(&self, of: impl Fn(&T) -> C) -> Vec<C> {
        self.values.iter().map(of).collect()
    }
}

impl InlineRows {
    pub(crate) fn fold(events: &[NewEvent]) -> InlineRows {
        let mut rows = InlineRows::default();
        for event in events {
            match &event.event {
                Event::User(user) => rows.user(event.record.key, user, event.record.at),
                Event::Auction(auction) => rows.auction(event.record.key, auction),
                Event::Promoter(_) => {}
            }
        }
        rows
    }

    fn user(&mut self, user: Uuid, event: &UserEvent, at: Timestamp) {
        match event {
            UserEvent::UserCreated => self.users.insert(user, (at.0, None)),
            UserEvent::UserDeleted => {
                match self.users.get_mut(user) {
                    Some(created) => created.1 = Some(at.0),
                    None => self.deleted_users.insert(user, at.0),
                }
                self.deletions.push(user);
            }
            // The notifier stores preferences.
            UserEvent::NotificationPreferencesChanged(_) => {}
        }
    }

    fn auction(&mut self, auction: Uuid, event: &AuctionEvent) {
        match event {
            AuctionEvent::AuctionCreated { terms, .. } => {
                let seller = terms.seller.map(|seller| seller.0);
                self.adds_open_interests |= seller.is_some();
                self.auctions.insert(auction, (seller, "open", terms.ends_at.0, terms.promotion.is_some()));
            }
            AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at, .. } => {
                self.change_auction(auction, None, Some(*ends_at), false);
            }
            AuctionEvent::AuctionCancelled { .. } => {
                self.change_auction(auction, Some("cancelled"), None, false)
            }
            AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. } => {
                self.change_auction(auction, Some("closed"), None, false);
            }
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                self.adds_open_interests = true;
                let amount = bigint(amount.minor_units());
                let new = NewBid { auction, bidder: bidder.0, amount, doubled: false, state: "live" };
                self.bids.insert(bid.0, new);
            }
            AuctionEvent::BidDeleted { bid, .. } => self.change_bid(*bid, false, Some("deleted")),
            AuctionEvent::BidVoided { bid, .. } => self.change_bid(*bid, false, Some("voided")),
            AuctionEvent::BidDoubled { bid, .. } => self.change_bid(*bid, true, None),
            AuctionEvent::SeedRevealed { .. } => self.change_auction(auction, None, None, true),
            AuctionEvent::DrawHeld(_) | AuctionEvent::DrawsMissed { .. } => {}
            AuctionEvent::BidsRetracted { bids, .. } => {
                bids.iter().for_each(|bid| self.change_bid(*bid, false, Some("retracted")));
            }
        }
    }

    fn change_auction(
        &mut self,
        auction: Uuid,
        status: Option<&'static str>,
        ends_at: Option<Timestamp>,
        revealed: bool,
    ) {
        let ends_at = ends_at.map(|ends_at| ends_at.0);
        if let Some(row) = self.auctions.get_mut(auction) {
            row.1 = status.unwrap_or(row.1);
            row.2 = ends_at.unwrap_or(row.2);
            row.3 &= !revealed;
        } else {
            let row = self.changed_auctions.entry(auction, (None, None, false));
            *row = (status.or(row.0), ends_at.or(row.1), row.2 || revealed);
        }
    }

    fn change_bid(&mut self, bid: BidId, doubled: bool, state: Option<&'static str>) {
        if let Some(row) = self.bids.get_mut(bid.0) {
            row.doubled |= doubled;
            row.state = state.unwrap_or(row.state);
        } else {
            let row = self.changed_bids.entry(bid.0, (false, None));
            *row = (row.0 || doubled, state.or(row.1));
        }
    }
}

/// Converts amounts, positions and counts, which stay below 2^53.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
