//! All bids of one auction, and who is ahead.

use super::ranking::{RankedBid, Ranking};
use crate::{Amount, BidId, Timestamp, UserId};
use std::collections::HashMap;

/// One bid, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid {
    /// Its id.
    pub id: BidId,
    /// Whose it is.
    pub bidder: UserId,
    /// What was bid, and what a winner owes.
    pub amount: Amount,
    /// When.
    pub placed_at: Timestamp,
    /// Whether it counts, and if not, why.
    pub state: BidState,
    /// Whether it counts twice.
    pub doubled: bool,
    /// The auction's version at which it reached what it counts for: of equals, whoever was first is ahead.
    pub reached: u64,
}

/// Whether a bid counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BidState {
    /// It counts.
    Live,
    /// Its bidder took it back.
    Deleted,
    /// The house struck it out.
    Voided,
    /// Its bidder's account was deleted.
    Retracted,
}

impl Bid {
    /// Whether it counts.
    pub fn is_live(&self) -> bool {
        self.state == BidState::Live
    }

    /// Whether it counts twice.
    pub fn is_doubled(&self) -> bool {
        self.doubled
    }

    /// What it counts for in the standing.
    pub fn effective(&self) -> Amount {
        if self.doubled { self.amount.doubled() } else { self.amount }
    }

    fn place(&self, index: u32) -> RankedBid {
        RankedBid::new(self.effective(), self.reached, index)
    }
}

/// The bids, found by id, by bidder and by rank.
#[derive(Clone, Debug, Default)]
pub(super) struct Bids {
    all: Vec<Bid>,
    by_id: HashMap<BidId, u32>,
    by_bidder: HashMap<UserId, OfBidder>,
    live_bidders: usize,
    standing: Ranking,
}

/// Indices into the list of all bids, in the order in which they were placed.
#[derive(Clone, Debug, Default)]
struct OfBidder {
    all: Vec<u32>,
    live: Vec<u32>,
}

impl Bids {
    /// From all of them, in the order in which they were placed.
    pub(super) fn restore(all: Vec<Bid>) -> Bids {
        let mut bids = Bids { by_id: HashMap::with_capacity(all.len()), ..Bids::default() };
        let mut places = Vec::with_capacity(all.len());
        for (index, bid) in (0..).zip(&all) {
            bids.by_id.insert(bid.id, index);
            let own = bids.by_bidder.entry(bid.bidder).or_default();
            own.all.push(index);
            if bid.is_live() {
                places.push(bid.place(index));
                own.live.push(index);
            }
        }
        bids.live_bidders = bids.by_bidder.values().filter(|own| !own.live.is_empty()).count();
        bids.standing = Ranking::of(places);
        Bids { all, ..bids }
    }

    pub(super) fn place(&mut self, id: BidId, bidder: UserId, amount: Amount, at: Timestamp, version: u64) {
        // An auction of four thousand million bids would not fit this machine in the first place.
        let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let bid = Bid {
            id,
            bidder,
            amount,
            placed_at: at,
            state: BidState::Live,
            doubled: false,
            reached: version,
        };
        self.standing.insert(bid.place(index));
        self.all.push(bid);
        self.by_id.insert(id, index);
        let own = self.by_bidder.entry(bidder).or_default();
        own.all.push(index);
        own.live.push(index);
        if own.live.len() == 1 {
            self.live_bidders += 1;
        }
    }

    pub(super) fn remove(&mut self, id: BidId, state: BidState) {
        let Some((index, bid)) = self.find_mut(id).filter(|(_, bid)| bid.is_live()) else { return };
        let place = bid.place(index);
        let bidder = bid.bidder;
        bid.state = state;
        self.standing.remove(&place);
        if let Some(own) = self.by_bidder.get_mut(&bidder)
            && let Ok(found) = own.live.binary_search(&index)
        {
            own.live.remove(found);
            if own.live.is_empty() {
                self.live_bidders -= 1;
            }
        }
    }

    pub(super) fn double(&mut self, id: BidId, version: u64) {
        let Some((index, bid)) = self.find_mut(id).filter(|(_, bid)| bid.is_live() && !bid.doubled) else {
            return;
        };
        let before = bid.place(index);
        bid.doubled = true;
        bid.reached = version;
        let after = bid.place(index);
        self.standing.remove(&before);
        self.standing.insert(after);
    }

    fn find_mut(&mut self, id: BidId) -> Option<(u32, &mut Bid)> {
        let index = *self.by_id.get(&id)?;
        Some((index, self.all.get_mut(index as usize)?))
    }

    pub(super) fn get(&self, id: BidId) -> Option<&Bid> {
        self.by_id.get(&id).map(|index| &self.all[*index as usize])
    }

    /// From 1 for the leader; `None` if the bid does not count.
    pub(super) fn rank(&self, id: BidId) -> Option<usize> {
        let index = *self.by_id.get(&id)?;
        let bid = &self.all[index as usize];
        bid.is_live().then(|| self.standing.rank(&bid.place(index)))
    }

    pub(super) fn leader(&self) -> Option<&Bid> {
        self.standing.first().map(|place| &self.all[place.index as usize])
    }

    pub(super) fn standing(&self) -> impl Iterator<Item = &Bid> {
        self.standing.iter().map(|place| &self.all[place.index as usize])
    }

    /// From 1, in the order in which they were placed.
    pub(super) fn number(&self, id: BidId) -> Option<u64> {
        self.by_id.get(&id).map(|index| u64::from(*index) + 1)
    }

    pub(super) fn of(&self, bidder: UserId) -> impl ExactSizeIterator<Item = &Bid> {
        let own = self.by_bidder.get(&bidder).map_or(&[][..], |own| &own.all);
        own.iter().map(|index| &self.all[*index as usize])
    }

    pub(super) fn live_of(&self, bidder: UserId) -> impl DoubleEndedIterator<Item = &Bid> {
        let own = self.by_bidder.get(&bidder).map_or(&[][..], |own| &own.live);
        own.iter().map(|index| &self.all[*index as usize])
    }

    pub(super) fn all(&self) -> &[Bid] {
        &self.all
    }

    pub(super) fn bidders(&self) -> impl Iterator<Item = UserId> {
        self.by_bidder.iter().filter(|(_, own)| !own.live.is_empty()).map(|(bidder, _)| *bidder)
    }

    pub(super) fn live(&self) -> usize {
        self.standing.len()
    }

    pub(super) fn live_bidders(&self) -> usize {
        self.live_bidders
    }
}
