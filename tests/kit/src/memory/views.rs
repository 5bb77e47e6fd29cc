use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::views::generations::{
    ComparedAuction, Comparison, Generation, Generations, SwitchResult,
};
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

#[derive(Clone, Debug)]
struct PartitionViews {
    current: Generation,
    newest: Generation,
    all: BTreeMap<Generation, GenerationViews>,
}

impl Default for PartitionViews {
    fn default() -> PartitionViews {
        PartitionViews { current: Generation::FIRST, newest: Generation::FIRST, all: BTreeMap::new() }
    }
}

/// One generation of the read models of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct GenerationViews {
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

    /// Returns the current generation of each partition.
    fn current(&self) -> BTreeMap<PartitionId, GenerationViews> {
        let state = self.state();
        let current = |views: &PartitionViews| views.all.get(&views.current).cloned().unwrap_or_default();
        state.iter().map(|(partition, views)| (*partition, current(views))).collect()
    }

    fn as_of<T>(&self, partition: PartitionId, read: impl FnOnce(&mut GenerationViews) -> T) -> AsOf<T> {
        let mut current = self.current().remove(&partition).unwrap_or_default();
        AsOf { positions: Positions::of(partition, current.checkpoint), value: read(&mut current) }
    }

    fn positions(&self) -> Positions {
        self.current()
            .iter()
            .map(|(partition, generation_views)| (*partition, generation_views.checkpoint))
            .collect()
    }

    /// Returns the number of calls of [`ReadModelReader::checkpoints`].
    pub fn checkpoint_reads(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    /// Drops everything, as a flush of Redis does.
    pub fn flush(&self) {
        self.state().clear();
    }

    /// Panics unless both have the same views in the current generation.
    pub fn assert_same(&self, other: &MemoryViews) {
        assert_eq!(self.current(), other.current());
    }
}

impl GenerationViews {
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

    fn compared(&self, auction: AuctionId) -> ComparedAuction {
        let entry = self.entries_by_auction.get(&auction);
        ComparedAuction {
            view: self.auctions.get(&auction).cloned(),
            entry: entry.map(|(_, _, json)| json.clone()),
            leader: entry.and_then(|(_, leader, _)| *leader),
        }
    }
}

/// Writer to one generation of a partition.
#[derive(Debug)]
pub struct MemoryReadModelWriter {
    views: MemoryViews,
    partition: PartitionId,
    generation: Generation,
    /// Whether a commit fails after another generation became the current one.
    current_only: bool,
}

impl ReadModelConnector for MemoryViews {
    type Store = MemoryReadModelWriter;
    async fn open(&self, partition: PartitionId) -> Result<MemoryReadModelWriter, Unavailable> {
        let generation = self.state().entry(partition).or_default().current;
        Ok(MemoryReadModelWriter { views: self.clone(), partition, generation, current_only: true })
    }
}

/// Opens writers to one generation, whether or not it is the current one.
#[derive(Clone, Debug)]
pub struct MemoryGeneration(MemoryViews, Generation);

impl ReadModelConnector for MemoryGeneration {
    type Store = MemoryReadModelWriter;
    async fn open(&self, partition: PartitionId) -> Result<MemoryReadModelWriter, Unavailable> {
        let MemoryGeneration(views, generation) = self.clone();
        Ok(MemoryReadModelWriter { views, partition, generation, current_only: false })
    }
}

impl ReadModelWriter for MemoryReadModelWriter {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        let mut state = self.views.state();
        let all = &state.entry(self.partition).or_default().all;
        Ok(all.get(&self.generation).map_or(0, |generation_views| generation_views.checkpoint))
    }

    async fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, Unavailable> {
        let mut state = self.views.state();
        let views = state.entry(self.partition).or_default();
        let replaced = self.current_only && views.current != self.generation;
        let generation_views = views.all.entry(self.generation).or_default();
        if replaced || generation_views.checkpoint != from {
            return Ok(ReadModelCommit::CheckpointMoved);
        }
        writes.iter().for_each(|write| generation_views.write(write));
        generation_views.checkpoint = to;
        Ok(ReadModelCommit::Done)
    }
}

impl Generations for MemoryViews {
    type Stores = MemoryGeneration;

    async fn begin(&self, partition: PartitionId) -> Result<Generation, Unavailable> {
        let mut state = self.state();
        let views = state.entry(partition).or_default();
        views.newest = Generation(views.newest.max(views.current).0 + 1);
        Ok(views.newest)
    }

    fn stores(&self, generation: Generation) -> MemoryGeneration {
        MemoryGeneration(self.clone(), generation)
    }

    async fn compare(
        &self,
        partition: PartitionId,
        generation: Generation,
    ) -> Result<Comparison, Unavailable> {
        let mut state = self.state();
        let views = state.entry(partition).or_default();
        let of = |generation| views.all.get(&generation).cloned().unwrap_or_default();
        let (current, other): (GenerationViews, GenerationViews) = (of(views.current), of(generation));
        let mut comparison = Comparison::default();
        let auctions: BTreeSet<AuctionId> =
            current.entries_by_auction.keys().chain(other.entries_by_auction.keys()).copied().collect();
        for auction in auctions {
            comparison.add(auction, &current.compared(auction), &other.compared(auction));
        }
        Ok(comparison)
    }

    async fn switch(&self, partition: PartitionId, to: Generation) -> Result<SwitchResult, Unavailable> {
        let mut state = self.state();
        let views = state.entry(partition).or_default();
        let checkpoint = |generation| {
            views
                .all
                .get(&generation)
                .map_or(0, |generation_views: &GenerationViews| generation_views.checkpoint)
        };
        if views.current > to {
            return Ok(SwitchResult::Superseded);
        }
        if checkpoint(to) < checkpoint(views.current) {
            return Ok(SwitchResult::Behind);
        }
        views.current = to;
        Ok(SwitchResult::Done)
    }

    async fn drop_old(&self) -> Result<u64, Unavailable> {
        let mut dropped = 0;
        for views in self.state().values_mut() {
            let before = views.all.len();
            let current = views.current;
            views.all.retain(|generation, _| *generation >= current);
            dropped += (before - views.all.len()) as u64;
        }
        Ok(dropped)
    }
}

#[async_trait]
impl ReadModelReader for MemoryViews {
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<AsOf<Option<Vec<u8>>>, Unavailable> {
        Ok(self.as_of(partition, |generation_views| generation_views.users.remove(&user)))
    }

    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<AsOf<Option<AuctionDocument>>, Unavailable> {
        let generation_views = |json| AuctionDocument { json, now: Timestamp(0) };
        Ok(self.as_of(partition, |views| views.auctions.remove(&auction).map(generation_views)))
    }

    async fn bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        Ok(self.as_of(partition, |generation_views| generation_views.page(auction, None, before, limit)))
    }

    async fn bids_by_user(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        Ok(self
            .as_of(partition, |generation_views| generation_views.page(auction, Some(user), before, limit)))
    }

    async fn auctions_by_status(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<AsOf<AuctionPage>, Unavailable> {
        let mut listed: Vec<AuctionEntry> = Vec::new();
        for mut generation_views in self.current().into_values() {
            for (_, ends_at, auction) in
                generation_views.auction_list.iter().copied().filter(|place| place.0 == status)
            {
                let Some((_, _, json)) = generation_views.entries_by_auction.remove(&auction) else {
                    continue;
                };
                listed.push(AuctionEntry { ends_at, auction, json });
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
        for generation_views in self.current().into_values() {
            for (_, auction) in generation_views.bidder_auctions_index.iter().filter(|(of, _)| *of == user) {
                let Some((status, leader, auction_entry)) =
                    generation_views.entries_by_auction.get(auction).cloned()
                else {
                    continue;
                };
                let Some(bidder) = generation_views.bidder_entries.get(&(user, *auction)) else { continue };
                entries.push(BidderAuction {
                    auction: *auction,
                    status,
                    leader,
                    bidder: bidder.clone(),
                    auction_entry,
                });
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
