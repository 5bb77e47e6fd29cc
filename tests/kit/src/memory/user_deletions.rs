//! Pending user deletions, bars and open interests.

use super::MemoryStore;
use auction_app::ports::Unavailable;
use auction_app::ports::people::user_deletions::{Bar, OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::{Timestamp, UserId};
use auction_wire::PartitionId;
use std::collections::BTreeSet;

/// Deletion of a user with its progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deletion {
    progress: PendingDeletion,
    finished: bool,
}

impl Deletion {
    pub(super) fn of(user: UserId) -> Deletion {
        let progress = PendingDeletion { user, attempt: 0, retry_at: Timestamp(0) };
        Deletion { progress, finished: false }
    }
}

pub(super) fn new_bar(partition: PartitionId, user: UserId) -> Bar {
    Bar { partition, user, attempt: 0, retry_at: Timestamp(0), finished: false }
}

impl UserDeletions for MemoryStore {
    async fn unfinished(&self, limit: usize) -> Result<Vec<PendingDeletion>, Unavailable> {
        let state = self.state();
        let unfinished = state.deletions.iter().filter(|deletion| !deletion.finished);
        let mut found: Vec<PendingDeletion> = unfinished.map(|deletion| deletion.progress).collect();
        found.sort_by_key(|deletion| (deletion.retry_at, deletion.user));
        found.truncate(limit);
        Ok(found)
    }

    async fn bars(&self, users: &[UserId]) -> Result<Vec<Bar>, Unavailable> {
        Ok(self.state().bars.values().filter(|bar| users.contains(&bar.user)).copied().collect())
    }

    async fn open_interests(
        &self,
        barred: &[(PartitionId, UserId)],
    ) -> Result<Vec<(PartitionId, UserId, OpenInterest)>, Unavailable> {
        let state = self.state();
        let bids = state.bids.values().filter(|bid| bid.active);
        let bids = bids.map(|bid| (bid.bidder, bid.auction, OpenInterest::Bids(bid.auction)));
        let sales = state.sellers.iter();
        let sales = sales.map(|(auction, seller)| (*seller, *auction, OpenInterest::Sale(*auction)));
        let interests: BTreeSet<(PartitionId, UserId, OpenInterest)> = bids
            .chain(sales)
            .filter_map(|(user, auction, interest)| {
                state.open.get(&auction).map(|(partition, _)| (*partition, user, interest))
            })
            .filter(|(partition, user, _)| barred.contains(&(*partition, *user)))
            .collect();
        Ok(interests.into_iter().collect())
    }

    async fn record_attempts(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for sent in sent {
            let same = |deletion: &&mut Deletion| deletion.progress.user == sent.user;
            if let Some(deletion) = state.deletions.iter_mut().find(same)
                && deletion.progress.attempt == sent.attempt
            {
                deletion.progress = PendingDeletion { attempt: sent.attempt + 1, ..*sent };
            }
        }
        Ok(())
    }

    async fn record_removals_sent(&self, sent: &[Bar]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for sent in sent {
            if let Some(bar) = state.bars.get_mut(&(sent.partition, sent.user))
                && bar.attempt == sent.attempt
            {
                (bar.attempt, bar.retry_at) = (sent.attempt + 1, sent.retry_at);
            }
        }
        Ok(())
    }

    async fn finish_bars(&self, bars: &[(PartitionId, UserId)]) -> Result<(), Unavailable> {
        let mut state = self.state();
        for bar in bars {
            if let Some(bar) = state.bars.get_mut(bar) {
                bar.finished = true;
            }
        }
        Ok(())
    }

    async fn finish(&self, users: &[UserId]) -> Result<(), Unavailable> {
        let mut state = self.state();
        let finished = state.deletions.iter_mut().filter(|deletion| users.contains(&deletion.progress.user));
        finished.for_each(|deletion| deletion.finished = true);
        Ok(())
    }
}
