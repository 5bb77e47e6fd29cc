//! The read models.

use auction_app::ports::Unavailable;
use auction_app::ports::view_store::{
    Listed, ListedPage, ViewCommit, ViewStore, ViewStores, ViewWrite, Views,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The views of all partitions; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryViews(Arc<Mutex<BTreeMap<PartitionId, Partition>>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Partition {
    checkpoint: u64,
    users: BTreeMap<UserId, Vec<u8>>,
    auctions: BTreeMap<AuctionId, Vec<u8>>,
    own_bids: BTreeMap<(AuctionId, UserId), Vec<u8>>,
    places: BTreeMap<(Timestamp, AuctionId), ()>,
    lines: BTreeMap<AuctionId, Vec<u8>>,
}

impl MemoryViews {
    fn state(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Partition>> {
        self.0.lock().unwrap()
    }

    /// Panics unless both show the same.
    pub fn assert_same(&self, other: &MemoryViews) {
        let (ours, theirs) = (self.state().clone(), other.state().clone());
        assert_eq!(ours, theirs);
    }
}

impl Partition {
    fn write(&mut self, write: &ViewWrite) {
        match write.clone() {
            ViewWrite::User { user, json } => drop(self.users.insert(user, json)),
            ViewWrite::Auction { auction, json } => drop(self.auctions.insert(auction, json)),
            ViewWrite::Listed { auction, ends_at, json } => {
                self.places.insert((ends_at, auction), ());
                self.lines.insert(auction, json);
            }
            ViewWrite::Unlisted { auction, ends_at } => {
                self.places.remove(&(ends_at, auction));
                self.lines.remove(&auction);
            }
            ViewWrite::OwnBids { auction, user, json } => drop(self.own_bids.insert((auction, user), json)),
        }
    }
}

/// The views of one partition, for writing.
#[derive(Debug)]
pub struct MemoryViewStore(MemoryViews, PartitionId);

impl ViewStores for MemoryViews {
    type Store = MemoryViewStore;
    async fn open(&self, partition: PartitionId) -> Result<MemoryViewStore, Unavailable> {
        Ok(MemoryViewStore(self.clone(), partition))
    }
}

impl ViewStore for MemoryViewStore {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        Views::checkpoint(&self.0, self.1).await
    }

    async fn commit(&mut self, from: u64, to: u64, writes: &[ViewWrite]) -> Result<ViewCommit, Unavailable> {
        let mut state = self.0.state();
        let partition = state.entry(self.1).or_default();
        if partition.checkpoint != from {
            return Ok(ViewCommit::CheckpointMoved);
        }
        writes.iter().for_each(|write| partition.write(write));
        partition.checkpoint = to;
        Ok(ViewCommit::Done)
    }
}

impl Views for MemoryViews {
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.state().get(&partition).and_then(|views| views.users.get(&user).cloned()))
    }

    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.state().get(&partition).and_then(|views| views.auctions.get(&auction).cloned()))
    }

    async fn own_bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.state().get(&partition).and_then(|views| views.own_bids.get(&(auction, user)).cloned()))
    }

    async fn listed(
        &self,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<ListedPage, Unavailable> {
        let state = self.state();
        let mut listed: Vec<Listed> = Vec::new();
        for views in state.values() {
            let places = views.places.keys().filter(|place| after.is_none_or(|after| **place > after));
            listed.extend(places.filter_map(|(ends_at, auction)| {
                let json = views.lines.get(auction)?.clone();
                Some(Listed { ends_at: *ends_at, auction: *auction, json })
            }));
        }
        listed.sort_by_key(|line| (line.ends_at, line.auction));
        let next = (listed.len() > limit).then(|| (listed[limit - 1].ends_at, listed[limit - 1].auction));
        listed.truncate(limit);
        Ok(ListedPage { lines: listed, next })
    }

    async fn checkpoint(&self, partition: PartitionId) -> Result<u64, Unavailable> {
        Ok(self.state().get(&partition).map_or(0, |views| views.checkpoint))
    }
}
