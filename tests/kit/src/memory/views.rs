use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{
    AsOf, AuctionDocument, AuctionEntry, AuctionPage, BidEntry, BidPage, BidderAuction, BidderAuctionPage,
    ListKey, ReadModelCommit, ReadModelConnector, ReadModelReader, ReadModelWrite, ReadModelWriter,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{PartitionId, Positions};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Read models of all partitions. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryViews(Arc<Mutex<BTreeMap<PartitionId, PartitionViews>>>, Arc<AtomicU64>);

/// Read models of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PartitionViews {
    checkpoint: u64,
    users: BTreeMap<UserId, Vec<u8>>,
    auctions: BTreeMap<AuctionId, Vec<u8>>,
    bids: BTreeMap<AuctionId, BTreeMap<u64, (UserId, Vec<u8>)>>,
    auction_list: BTreeSet<(AuctionStatus, Timestamp, AuctionId)>,
    entries_by_auction: BTreeMap<AuctionId, (AuctionStatus, Option<UserId>, Vec<u8>)>,
    bidder_entries: BTreeMap<(UserId, AuctionId), Vec<u8>>,
    bidder_auctions_index: BTreeSet<(UserId, AuctionId)>,
}

impl MemoryViews {
    fn state(&self) -> MutexGuard<'_, BTreeMap<PartitionId, PartitionViews>> {
        self.0.lock().unwrap()
    }

    fn as_of<T>(&self, partition: PartitionId, read: impl FnOnce(&PartitionViews) -> T) -> AsOf<T> {
        let mut state = self.state();
        let views = state.entry(partition).or_default();
        AsOf { positions: Positions::of(partition, views.checkpoint), value: read(views) }
    }

    fn positions(&self) -> Positions {
        self.state().iter().map(|(partition, views)| (*partition, views.checkpoint)).collect()
    }

    /// Returns the number of calls of [`ReadModelReader::checkpoints`].
    pub fn checkpoint_reads(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    /// Drops everything, as a flush of Redis does.
    pub fn flush(&self) {
        self.state().clear();
    }

    /// Panics unless both have the same views.
    pub fn assert_same(&self, other: &MemoryViews) {
        assert_eq!(*self.state(), *other.state());
    }
}

impl PartitionViews {
    fn write(&mut self, write: &ReadModelWrite) {
        match write.clone() {
            ReadModelWrite::User { user, json } => drop(self.users.insert(user, json)),
            ReadModelWrite::Auction { auction, json } => drop(self.auctions.insert(auction, json)),
            ReadModelWrite::AddToAuctionList { auction, place: ListKey { status, ends_at } } => {
                self.auction_list.insert((status, ends_at, auction));
            }
            ReadModelWrite::AuctionListEntry { auction, status, leader, json } => {
                self.entries_by_auction.insert(auction, (status, leader, json));
            }
            ReadModelWrite::RemoveFromAuctionList { auction, place: ListKey { status, ends_at } } => {
                self.auction_list.remove(&(status, ends_at, auction));
            }
            ReadModelWrite::Bid { auction, number, bidder, json } => {
                self.bids.entry(auction).or_default().insert(number, (bidder, json));
            }
            ReadModelWrite::BidderAuctionEntry { user, auction, json } => {
                drop(self.bidder_entries.insert((user, auction), json))
            }
            ReadModelWrite::AddToBidderAuctions { user, auction } => {
                self.bidder_auctions_index.insert((user, auction));
            }
        }
    }

    fn page(
        &self,
        auction: AuctionId,
        by: Option<UserId>,
        before: Option<u64>,
        limit: usize,
    ) -> Option<BidPage> {
        self.auctions.get(&auction)?;
        let bids = self.bids.get(&auction).into_iter().flatten();
        let mut bids: Vec<BidEntry> = bids
            .filter(|(_, (bidder, _))| by.is_none_or(|by| by == *bidder))
            .map(|(number, (bidder, json))| BidEntry { number: *number, bidder: *bidder, json: json.clone() })
            .collect();
        let count = bids.len() as u64;
        bids.retain(|bid| before.is_none_or(|before| bid.number < before));
        bids.reverse();
        let next = (bids.len() > limit).then(|| bids[limit - 1].number);
        bids.truncate(limit);
        Some(BidPage { count, bids, next })
    }
}

/// Writer to the read models of a partition.
#[derive(Debug)]
pub struct MemoryReadModelWriter(MemoryViews, PartitionId);

impl ReadModelConnector for MemoryViews {
    type Store = MemoryReadModelWriter;
    async fn open(&self, partition: PartitionId) -> Result<MemoryReadModelWriter, Unavailable> {
        Ok(MemoryReadModelWriter(self.clone(), partition))
    }
}

impl ReadModelWriter for MemoryReadModelWriter {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        Ok(self.0.state().entry(self.1).or_default().checkpoint)
    }

    async fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, Unavailable> {
        let mut state = self.0.state();
        let views = state.entry(self.1).or_default();
        if views.checkpoint != from {
            return Ok(ReadModelCommit::CheckpointMoved);
        }
        writes.iter().for_each(|write| views.write(write));
        views.checkpoint = to;
        Ok(ReadModelCommit::Done)
    }
}

#[async_trait]
impl ReadModelReader for MemoryViews {
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<AsOf<Option<Vec<u8>>>, Unavailable> {
        Ok(self.as_of(partition, |views| views.users.get(&user).cloned()))
    }

    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<AsOf<Option<AuctionDocument>>, Unavailable> {
        let document = |json| AuctionDocument { json, now: Timestamp(0) };
        Ok(self.as_of(partition, |views| views.auctions.get(&auction).cloned().map(document)))
    }

    async fn bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        Ok(self.as_of(partition, |views| views.page(auction, None, before, limit)))
    }

    async fn bids_by_user(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        Ok(self.as_of(partition, |views| views.page(auction, Some(user), before, limit)))
    }

    async fn auctions_by_status(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<AsOf<AuctionPage>, Unavailable> {
        let mut listed: Vec<AuctionEntry> = Vec::new();
        for views in self.state().values() {
            for (_, ends_at, auction) in views.auction_list.iter().copied().filter(|place| place.0 == status)
            {
                let entry = views.entries_by_auction.get(&auction).cloned();
                listed.extend(entry.map(|(_, _, json)| AuctionEntry { ends_at, auction, json }));
            }
        }
        listed.sort_by_key(|entry| (entry.ends_at, entry.auction));
        let is_open = status == AuctionStatus::Open;
        if !is_open {
            listed.reverse();
        }
        listed.retain(|entry| {
            let place = (entry.ends_at, entry.auction);
            after.is_none_or(|after| if is_open { place > after } else { place < after })
        });
        let next = (listed.len() > limit).then(|| (listed[limit - 1].ends_at, listed[limit - 1].auction));
        listed.truncate(limit);
        Ok(AsOf { positions: self.positions(), value: AuctionPage { entries: listed, next } })
    }

    async fn bidder_auctions(
        &self,
        user: UserId,
        before: Option<AuctionId>,
        limit: usize,
    ) -> Result<AsOf<BidderAuctionPage>, Unavailable> {
        let mut entries: Vec<BidderAuction> = Vec::new();
        for views in self.state().values() {
            for (_, auction) in views.bidder_auctions_index.iter().copied().filter(|(of, _)| *of == user) {
                let entry = views.entries_by_auction.get(&auction).cloned();
                let bidder = views.bidder_entries.get(&(user, auction)).cloned();
                entries.extend(entry.zip(bidder).map(|((status, leader, auction_entry), bidder)| {
                    BidderAuction { auction, status, leader, bidder, auction_entry }
                }));
            }
        }
        entries.retain(|entry| before.is_none_or(|before| entry.auction < before));
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.auction));
        let next = (entries.len() > limit).then(|| entries[limit - 1].auction);
        entries.truncate(limit);
        Ok(AsOf { positions: self.positions(), value: BidderAuctionPage { entries, next } })
    }

    async fn checkpoints(&self, partitions: &[PartitionId]) -> Result<Positions, Unavailable> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.positions().within(partitions))
    }
}
