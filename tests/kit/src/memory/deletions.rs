//! What is left of deleted users.

use super::MemoryStore;
use auction_app::ports::Unavailable;
use auction_app::ports::people::user_deletions::{Deletions, Stake, Unfinished};
use auction_domain::{Timestamp, UserId};
use std::collections::BTreeSet;

/// A deletion; its sequence number is its place, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deletion {
    pub(super) user: UserId,
    attempt: u32,
    again_at: Timestamp,
    finished: bool,
}

impl Deletion {
    pub(super) fn of(user: UserId) -> Deletion {
        Deletion { user, attempt: 0, again_at: Timestamp(0), finished: false }
    }
}

impl Deletions for MemoryStore {
    async fn unfinished(&self, limit: usize) -> Result<Vec<Unfinished>, Unavailable> {
        let state = self.state();
        let unfinished = (1..).zip(&state.deletions).filter(|(_, deletion)| !deletion.finished);
        let mut found: Vec<Unfinished> = unfinished
            .map(|(sequence, deletion)| Unfinished {
                sequence,
                user: deletion.user,
                attempt: deletion.attempt,
                again_at: deletion.again_at,
            })
            .collect();
        found.sort_by_key(|deletion| (deletion.again_at, deletion.sequence));
        found.truncate(limit);
        Ok(found)
    }

    async fn stakes(&self, users: &[UserId]) -> Result<Vec<(UserId, Stake)>, Unavailable> {
        let state = self.state();
        let bids = state.bids.values().filter(|bid| bid.live && state.open.contains_key(&bid.auction));
        let sales = state.sellers.iter().filter(|(auction, _)| state.open.contains_key(auction));
        let stakes: BTreeSet<(UserId, Stake)> = bids
            .map(|bid| (bid.bidder, Stake::Bids(bid.auction)))
            .chain(sales.map(|(auction, seller)| (*seller, Stake::Sale(*auction))))
            .filter(|(user, _)| users.contains(user))
            .collect();
        Ok(stakes.into_iter().collect())
    }

    async fn sent(&self, sent: &[Unfinished]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for sent in sent {
            let deletion = &mut state.deletions[sent.sequence as usize - 1];
            if deletion.attempt == sent.attempt {
                (deletion.attempt, deletion.again_at) = (sent.attempt + 1, sent.again_at);
            }
        }
        Ok(())
    }

    async fn finished(&self, deletions: &[u64]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for sequence in deletions {
            state.deletions[*sequence as usize - 1].finished = true;
        }
        Ok(())
    }
}
