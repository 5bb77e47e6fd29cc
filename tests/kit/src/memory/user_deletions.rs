//! Pending user deletions and open interests.

use super::MemoryStore;
use auction_app::ports::Unavailable;
use auction_app::ports::people::user_deletions::{OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::{Timestamp, UserId};
use std::collections::BTreeSet;

/// Deletion of a user. Its sequence number is its index plus one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deletion {
    pub(super) user: UserId,
    attempt: u32,
    retry_at: Timestamp,
    finished: bool,
}

impl Deletion {
    pub(super) fn of(user: UserId) -> Deletion {
        Deletion { user, attempt: 0, retry_at: Timestamp(0), finished: false }
    }
}

impl UserDeletions for MemoryStore {
    async fn unfinished(&self, limit: usize) -> Result<Vec<PendingDeletion>, Unavailable> {
        let state = self.state();
        let unfinished = (1..).zip(&state.deletions).filter(|(_, deletion)| !deletion.finished);
        let mut found: Vec<PendingDeletion> = unfinished
            .map(|(sequence, deletion)| PendingDeletion {
                sequence,
                user: deletion.user,
                attempt: deletion.attempt,
                retry_at: deletion.retry_at,
            })
            .collect();
        found.sort_by_key(|deletion| (deletion.retry_at, deletion.sequence));
        found.truncate(limit);
        Ok(found)
    }

    async fn open_interests(&self, users: &[UserId]) -> Result<Vec<(UserId, OpenInterest)>, Unavailable> {
        let state = self.state();
        let bids = state.bids.values().filter(|bid| bid.active && state.open.contains_key(&bid.auction));
        let sales = state.sellers.iter().filter(|(auction, _)| state.open.contains_key(auction));
        let interests: BTreeSet<(UserId, OpenInterest)> = bids
            .map(|bid| (bid.bidder, OpenInterest::Bids(bid.auction)))
            .chain(sales.map(|(auction, seller)| (*seller, OpenInterest::Sale(*auction))))
            .filter(|(user, _)| users.contains(user))
            .collect();
        Ok(interests.into_iter().collect())
    }

    async fn record_sent(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for sent in sent {
            let deletion = &mut state.deletions[sent.sequence as usize - 1];
            if deletion.attempt == sent.attempt {
                (deletion.attempt, deletion.retry_at) = (sent.attempt + 1, sent.retry_at);
            }
        }
        Ok(())
    }

    async fn mark_finished(&self, deletions: &[u64]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for sequence in deletions {
            state.deletions[*sequence as usize - 1].finished = true;
        }
        Ok(())
    }
}
