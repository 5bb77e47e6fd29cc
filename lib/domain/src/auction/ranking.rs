//! Who is ahead: live bids by effective amount, highest first; ties go to whoever got there first.

use crate::Amount;
use indexset::BTreeSet;
use std::cmp::Reverse;

/// Most bids of an auction fit one node, and 100,000 bids make about a thousand nodes.
const NODE_SIZE: usize = 128;

/// One live bid's place. The order of the fields is the order of the standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RankedBid {
    effective: Reverse<Amount>,
    reached: u64,
    /// Index of the bid in the list of all bids of the auction.
    pub(super) index: u32,
}

impl RankedBid {
    /// The place of a bid that counts for `effective` since version `reached`.
    pub(super) fn new(effective: Amount, reached: u64, index: u32) -> RankedBid {
        RankedBid { effective: Reverse(effective), reached, index }
    }
}

/// An ordered set that also knows ranks, so that placing a bid costs O(log n).
#[derive(Clone, Debug)]
pub(super) struct Ranking(BTreeSet<RankedBid>);

impl Default for Ranking {
    fn default() -> Ranking {
        Ranking(BTreeSet::with_maximum_node_size(NODE_SIZE))
    }
}

impl Ranking {
    /// Of many at once: sorted first, each is inserted where the one before was.
    pub(super) fn of(mut places: Vec<RankedBid>) -> Ranking {
        places.sort_unstable();
        let mut standing = Ranking::default();
        places.into_iter().for_each(|place| standing.insert(place));
        standing
    }

    pub(super) fn insert(&mut self, place: RankedBid) {
        self.0.insert(place);
    }

    pub(super) fn remove(&mut self, place: &RankedBid) {
        self.0.remove(place);
    }

    pub(super) fn first(&self) -> Option<&RankedBid> {
        self.0.first()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RankedBid> {
        self.0.iter()
    }

    /// From 1 for the leader.
    pub(super) fn rank(&self, place: &RankedBid) -> usize {
        self.0.rank(place) + 1
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
