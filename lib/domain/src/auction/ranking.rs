//! Ranking of active bids: by effective amount, highest first. Ties go to the bid that reached the amount
//! first.

use crate::Amount;
use indexset::BTreeSet;
use std::cmp::Reverse;

/// Most auctions fit into one node, and 100,000 bids make about a thousand nodes.
const NODE_SIZE: usize = 128;

/// Ranking key of one active bid. The derived order of the fields is the ranking: keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RankedBid {
    effective: Reverse<Amount>,
    effective_since: u64,
    /// Index of the bid in the list of all bids of the auction.
    pub(super) index: u32,
}

impl RankedBid {
    pub(super) fn new(effective: Amount, effective_since: u64, index: u32) -> RankedBid {
        RankedBid { effective: Reverse(effective), effective_since, index }
    }
}

/// Ordered set that also computes ranks, so that placing a bid and its rank cost O(log n).
#[derive(Clone, Debug)]
pub(super) struct Ranking(BTreeSet<RankedBid>);

impl Default for Ranking {
    fn default() -> Ranking {
        Ranking(BTreeSet::with_maximum_node_size(NODE_SIZE))
    }
}

impl Ranking {
    /// Sorts first, so that each insertion is next to the one before.
    pub(super) fn from_bids(mut bids: Vec<RankedBid>) -> Ranking {
        bids.sort_unstable();
        let mut ranking = Ranking::default();
        bids.into_iter().for_each(|bid| ranking.insert(bid));
        ranking
    }

    pub(super) fn insert(&mut self, bid: RankedBid) {
        self.0.insert(bid);
    }

    pub(super) fn remove(&mut self, bid: &RankedBid) {
        self.0.remove(bid);
    }

    pub(super) fn first(&self) -> Option<&RankedBid> {
        self.0.first()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RankedBid> {
        self.0.iter()
    }

    /// Returns the rank, from 1 for the leader.
    pub(super) fn rank(&self, bid: &RankedBid) -> usize {
        self.0.rank(bid) + 1
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
