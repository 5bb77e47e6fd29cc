//! Inline projections: the rows that are written in the transaction of the events.
//!
//! The events of a batch are folded to one final row per key, so that a row is inserted or updated once.

use crate::append_rows::{AuctionRow, BidRow, ChangedAuctionRow, ChangedBidRow, DeletedUserRow, UserRow};
use auction_app::ports::events::event_store::NewEvent;
use auction_domain::auction::{AuctionEvent, BidChange, BidState, Status};
use auction_domain::user::UserEvent;
use auction_domain::user_bar::BarEvent;
use auction_domain::{BidId, Timestamp};
use auction_wire::Event;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of a batch, for `append_batch`.
#[derive(Debug, Default)]
pub(crate) struct InlineRows {
    pub(crate) users: RowsById<UserRow>,
    /// Users from earlier batches.
    pub(crate) deleted_users: RowsById<DeletedUserRow>,
    /// Users to add to the table of deletions.
    pub(crate) deletions: Vec<Uuid>,
    /// Users to add to the table of barred users.
    pub(crate) bars: Vec<Uuid>,
    pub(crate) auctions: RowsById<AuctionRow>,
    /// Auctions from earlier batches.
    pub(crate) changed_auctions: RowsById<ChangedAuctionRow>,
    pub(crate) bids: RowsById<BidRow>,
    /// Bids from earlier batches.
    pub(crate) changed_bids: RowsById<ChangedBidRow>,
}

/// Rows by id, in the order in which the ids were added.
#[derive(Debug)]
pub(crate) struct RowsById<T> {
    pub(crate) values: Vec<T>,
    index: HashMap<Uuid, usize>,
}

impl<T> Default for RowsById<T> {
    fn default() -> RowsById<T> {
        RowsById { values: Vec::new(), index: HashMap::new() }
    }
}

impl<T> RowsById<T> {
    /// Adds a row. Postgres refuses a second row with the same id.
    fn insert(&mut self, id: Uuid, row: T) {
        self.index.insert(id, self.values.len());
        self.values.push(row);
    }

    fn get_mut(&mut self, id: Uuid) -> Option<&mut T> {
        self.index.get(&id).map(|index| &mut self.values[*index])
    }

    /// Returns the row with this id, after adding `row` if there is none.
    fn entry(&mut self, id: Uuid, row: T) -> &mut T {
        let index = *self.index.entry(id).or_insert_with(|| {
            self.values.push(row);
            self.values.len() - 1
        });
        &mut self.values[index]
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
                Event::Bar(BarEvent::UsersBarred { users }) => {
                    rows.bars.extend(users.iter().map(|user| user.0))
                }
            }
        }
        rows
    }

    fn user(&mut self, user: Uuid, event: &UserEvent, at: Timestamp) {
        match event {
            UserEvent::UserCreated => {
                self.users.insert(user, UserRow { id: user, created_at: at.0, deleted_at: None });
            }
            UserEvent::UserDeleted => {
                if let Some(created) = self.users.get_mut(user) {
                    created.deleted_at = Some(at.0);
                } else {
                    self.deleted_users.insert(user, DeletedUserRow { id: user, deleted_at: at.0 });
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
                let row = AuctionRow {
                    id: auction,
                    seller: terms.seller.map(|seller| seller.0),
                    status: "open",
                    ends_at: terms.ends_at.0,
                    seed_pending: terms.promotion.is_some(),
                };
                self.auctions.insert(auction, row);
            }
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                let (id, bidder, amount) = (bid.0, bidder.0, bigint(amount.minor_units()));
                let state = stored_state(BidState::Active);
                self.bids.insert(id, BidRow { id, auction, bidder, amount, doubled: false, state });
            }
            _ => self.changes(auction, event),
        }
    }

    fn changes(&mut self, auction: Uuid, event: &AuctionEvent) {
        let status = event.final_status().map(|status| match status {
            Status::Cancelled => "cancelled",
            Status::Open | Status::Closed(_) => "closed",
        });
        let revealed = matches!(event, AuctionEvent::SeedRevealed { .. });
        if status.is_some() || event.ends_at().is_some() || revealed {
            self.change_auction(auction, status, event.ends_at(), revealed);
        }
        let Some((bids, change)) = event.changed_bids() else { return };
        let (doubled, state) = match change {
            BidChange::Doubled => (true, None),
            BidChange::Removed(state) => (false, Some(stored_state(state))),
        };
        bids.iter().for_each(|bid| self.change_bid(*bid, doubled, state));
    }

    fn change_auction(
        &mut self,
        id: Uuid,
        status: Option<&'static str>,
        ends_at: Option<Timestamp>,
        revealed: bool,
    ) {
        let ends_at = ends_at.map(|ends_at| ends_at.0);
        if let Some(row) = self.auctions.get_mut(id) {
            row.status = status.unwrap_or(row.status);
            row.ends_at = ends_at.unwrap_or(row.ends_at);
            row.seed_pending &= !revealed;
        } else {
            let unchanged = ChangedAuctionRow { id, status: None, ends_at: None, revealed: false };
            let row = self.changed_auctions.entry(id, unchanged);
            row.status = status.or(row.status);
            row.ends_at = ends_at.or(row.ends_at);
            row.revealed |= revealed;
        }
    }

    fn change_bid(&mut self, BidId(id): BidId, doubled: bool, state: Option<&'static str>) {
        if let Some(row) = self.bids.get_mut(id) {
            row.doubled |= doubled;
            row.state = state.unwrap_or(row.state);
        } else {
            let row = self.changed_bids.entry(id, ChangedBidRow { id, doubled: false, state: None });
            row.doubled |= doubled;
            row.state = state.or(row.state);
        }
    }
}

fn stored_state(state: BidState) -> &'static str {
    match state {
        BidState::Active => "live",
        BidState::Deleted => "deleted",
        BidState::Voided => "voided",
        BidState::Retracted => "retracted",
    }
}

/// Converts amounts, positions and counts, which stay below 2^53.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
