//! All bids of one auction, indexed by id, by bidder and by rank.

use super::ranking::{RankedBid, Ranking};
use crate::{Amount, BidId, Timestamp, UserId};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid {
    pub id: BidId,
    pub bidder: UserId,
    /// Face amount: the amount that was bid, which is also the price if this bid wins.
    pub amount: Amount,
    pub placed_at: Timestamp,
    pub state: BidState,
    pub doubled: bool,
    /// Version of the auction since which the bid has its effective amount. Of bids with equal effective
    /// amounts, the one that reached the amount first ranks higher.
    pub effective_since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BidState {
    /// The bid takes part in the ranking and can win.
    Active,
    /// Its bidder deleted it.
    Deleted,
    /// An operator voided it.
    Voided,
    /// Its bidder was deleted.
    Retracted,
}

impl Bid {
    pub fn is_active(&self) -> bool {
        self.state == BidState::Active
    }

    pub fn is_doubled(&self) -> bool {
        self.doubled
    }

    /// Returns the amount by which the bid is ranked: twice the face amount if it was doubled.
    pub fn effective(&self) -> Amount {
        if self.doubled { self.amount.doubled() } else { self.amount }
    }

    fn ranked(&self, index: u32) -> RankedBid {
        RankedBid::new(self.effective(), self.effective_since, index)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Bids {
    all: Vec<Bid>,
    by_id: HashMap<BidId, u32>,
    by_bidder: HashMap<UserId, BidderBids>,
    /// Number of bidders with an active bid.
    active_bidders: usize,
    ranking: Ranking,
}

/// Bids of one bidder, as ascending indices into the list of all bids.
#[derive(Clone, Debug, Default)]
struct BidderBids {
    all: Vec<u32>,
    active: Vec<u32>,
}

impl Bids {
    /// Rebuilds the indexes. `all` is in the order of placement.
    pub(super) fn restore(all: Vec<Bid>) -> Bids {
        let mut bids = Bids { by_id: HashMap::with_capacity(all.len()), ..Bids::default() };
        let mut ranked = Vec::with_capacity(all.len());
        for (index, bid) in (0..).zip(&all) {
            bids.by_id.insert(bid.id, index);
            let own = bids.by_bidder.entry(bid.bidder).or_default();
            own.all.push(index);
            if bid.is_active() {
                ranked.push(bid.ranked(index));
                own.active.push(index);
            }
        }
        bids.active_bidders = bids.by_bidder.values().filter(|own| !own.active.is_empty()).count();
        bids.ranking = Ranking::from_bids(ranked);
        Bids { all, ..bids }
    }

    pub(super) fn place(&mut self, id: BidId, bidder: UserId, amount: Amount, at: Timestamp, version: u64) {
        // Memory is exhausted long before there are 2^32 bids.
        let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let bid = Bid {
            id,
            bidder,
            amount,
            placed_at: at,
            state: BidState::Active,
            doubled: false,
            effective_since: version,
        };
        self.ranking.insert(bid.ranked(index));
        self.all.push(bid);
        self.by_id.insert(id, index);
        let own = self.by_bidder.entry(bidder).or_default();
        own.all.push(index);
        own.active.push(index);
        if own.active.len() == 1 {
            self.active_bidders += 1;
        }
    }

    pub(super) fn remove(&mut self, id: BidId, state: BidState) {
        let Some((index, bid)) = self.find_mut(id).filter(|(_, bid)| bid.is_active()) else { return };
        let ranked = bid.ranked(index);
        let bidder = bid.bidder;
        bid.state = state;
        self.ranking.remove(&ranked);
        if let Some(own) = self.by_bidder.get_mut(&bidder)
            && let Ok(found) = own.active.binary_search(&index)
        {
            own.active.remove(found);
            if own.active.is_empty() {
                self.active_bidders -= 1;
            }
        }
    }

    pub(super) fn double(&mut self, id: BidId, version: u64) {
        let Some((index, bid)) = self.find_mut(id).filter(|(_, bid)| bid.is_active() && !bid.doubled) else {
            return;
        };
        let before = bid.ranked(index);
        bid.doubled = true;
        bid.effective_since = version;
        let after = bid.ranked(index);
        self.ranking.remove(&before);
        self.ranking.insert(after);
    }

    fn find_mut(&mut self, id: BidId) -> Option<(u32, &mut Bid)> {
        let index = *self.by_id.get(&id)?;
        Some((index, self.all.get_mut(index as usize)?))
    }

    pub(super) fn get(&self, id: BidId) -> Option<&Bid> {
        self.by_id.get(&id).map(|index| &self.all[*index as usize])
    }

    /// Returns the rank, from 1 for the leader; `None` if the bid is not active.
    pub(super) fn rank(&self, id: BidId) -> Option<usize> {
        let index = *self.by_id.get(&id)?;
        let bid = &self.all[index as usize];
        bid.is_active().then(|| self.ranking.rank(&bid.ranked(index)))
    }

    pub(super) fn leader(&self) -> Option<&Bid> {
        self.ranking.first().map(|ranked| &self.all[ranked.index as usize])
    }

    pub(super) fn ranking(&self) -> impl Iterator<Item = &Bid> {
        self.ranking.iter().map(|ranked| &self.all[ranked.index as usize])
    }

    /// Returns the position in the order of placement, from 1.
    pub(super) fn number(&self, id: BidId) -> Option<u64> {
        self.by_id.get(&id).map(|index| u64::from(*index) + 1)
    }

    pub(super) fn of(&self, bidder: UserId) -> impl ExactSizeIterator<Item = &Bid> {
        let own = self.by_bidder.get(&bidder).map_or(&[][..], |own| &own.all);
        own.iter().map(|index| &self.all[*index as usize])
    }

    pub(super) fn active_of(&self, bidder: UserId) -> impl DoubleEndedIterator<Item = &Bid> {
        let own = self.by_bidder.get(&bidder).map_or(&[][..], |own| &own.active);
        own.iter().map(|index| &self.all[*index as usize])
    }

    pub(super) fn all(&self) -> &[Bid] {
        &self.all
    }

    pub(super) fn bidders(&self) -> impl Iterator<Item = UserId> {
        self.by_bidder.iter().filter(|(_, own)| !own.active.is_empty()).map(|(bidder, _)| *bidder)
    }

    pub(super) fn active_count(&self) -> usize {
        self.ranking.len()
    }

    pub(super) fn active_bidder_count(&self) -> usize {
        self.active_bidders
    }
}
