//! The read models.

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

/// The views of all partitions; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryViews(Arc<Mutex<BTreeMap<PartitionId, Generationed>>>, Arc<AtomicU64>);

#[derive(Clone, Debug)]
struct Generationed {
    live: Generation,
    newest: Generation,
    all: BTreeMap<Generation, Shown>,
}

impl Default for Generationed {
    fn default() -> Generationed {
        Generationed { live: Generation::FIRST, newest: Generation::FIRST, all: BTreeMap::new() }
    }
}

/// One generation of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    checkpoint: u64,
    users: BTreeMap<UserId, Vec<u8>>,
    auctions: BTreeMap<AuctionId, Vec<u8>>,
    bids: BTreeMap<AuctionId, BTreeMap<u64, (UserId, Vec<u8>)>>,
    places: BTreeSet<(AuctionStatus, Timestamp, AuctionId)>,
    lines: BTreeMap<AuctionId, (AuctionStatus, Option<UserId>, Vec<u8>)>,
    bidders: BTreeMap<(UserId, AuctionId), Vec<u8>>,
    bid_in: BTreeSet<(UserId, AuctionId)>,
}

impl MemoryViews {
    fn state(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Generationed>> {
        self.0.lock().unwrap()
    }

    /// The live views of each partition.
    fn live(&self) -> BTreeMap<PartitionId, Shown> {
        let state = self.state();
        let live = |views: &Generationed| views.all.get(&views.live).cloned().unwrap_or_default();
        state.iter().map(|(partition, views)| (*partition, live(views))).collect()
    }

    fn as_of<T>(&self, partition: PartitionId, read: impl FnOnce(&mut Shown) -> T) -> AsOf<T> {
        let mut live = self.live().remove(&partition).unwrap_or_default();
        AsOf { positions: Positions::of(partition, live.checkpoint), shown: read(&mut live) }
    }

    fn positions(&self) -> Positions {
        self.live().iter().map(|(partition, shown)| (*partition, shown.checkpoint)).collect()
    }

    /// How often somebody looked at checkpoints.
    pub fn looks(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    /// Loses everything, as a Redis that is flushed.
    pub fn lose(&self) {
        self.state().clear();
    }

    /// Panics unless both show the same.
    pub fn assert_same(&self, other: &MemoryViews) {
        assert_eq!(self.live(), other.live());
    }
}

impl Shown {
    fn write(&mut self, write: &ReadModelWrite) {
        match write.clone() {
            ReadModelWrite::User { user, json } => drop(self.users.insert(user, json)),
            ReadModelWrite::Auction { auction, json } => drop(self.auctions.insert(auction, json)),
            ReadModelWrite::AddToAuctionList { auction, place: ListKey { status, ends_at } } => {
                self.places.insert((status, ends_at, auction));
            }
            ReadModelWrite::AuctionListEntry { auction, status, leader, json } => {
                self.lines.insert(auction, (status, leader, json));
            }
            ReadModelWrite::RemoveFromAuctionList { auction, place: ListKey { status, ends_at } } => {
                self.places.remove(&(status, ends_at, auction));
            }
            ReadModelWrite::Bid { auction, number, bidder, json } => {
                self.bids.entry(auction).or_default().insert(number, (bidder, json));
            }
            ReadModelWrite::BidderAuctionEntry { user, auction, json } => {
                drop(self.bidders.insert((user, auction), json))
            }
            ReadModelWrite::AddToBidderAuctions { user, auction } => {
                self.bid_in.insert((user, auction));
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

    fn shown(&self, auction: AuctionId) -> ComparedAuction {
        let line = self.lines.get(&auction);
        ComparedAuction {
            view: self.auctions.get(&auction).cloned(),
            line: line.map(|(_, _, json)| json.clone()),
            leader: line.and_then(|(_, leader, _)| *leader),
        }
    }
}

/// The views of one partition, for writing.
#[derive(Debug)]
pub struct MemoryViewStore {
    views: MemoryViews,
    partition: PartitionId,
    generation: Generation,
    /// Whether nothing may be written when another generation is live.
    live: bool,
}

impl ReadModelConnector for MemoryViews {
    type Store = MemoryViewStore;
    async fn open(&self, partition: PartitionId) -> Result<MemoryViewStore, Unavailable> {
        let generation = self.state().entry(partition).or_default().live;
        Ok(MemoryViewStore { views: self.clone(), partition, generation, live: true })
    }
}

/// For writing to a certain generation.
#[derive(Clone, Debug)]
pub struct MemoryGeneration(MemoryViews, Generation);

impl ReadModelConnector for MemoryGeneration {
    type Store = MemoryViewStore;
    async fn open(&self, partition: PartitionId) -> Result<MemoryViewStore, Unavailable> {
        let MemoryGeneration(views, generation) = self.clone();
        Ok(MemoryViewStore { views, partition, generation, live: false })
    }
}

impl ReadModelWriter for MemoryViewStore {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        let mut state = self.views.state();
        let all = &state.entry(self.partition).or_default().all;
        Ok(all.get(&self.generation).map_or(0, |shown| shown.checkpoint))
    }

    async fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, Unavailable> {
        let mut state = self.views.state();
        let views = state.entry(self.partition).or_default();
        let replaced = self.live && views.live != self.generation;
        let shown = views.all.entry(self.generation).or_default();
        if replaced || shown.checkpoint != from {
            return Ok(ReadModelCommit::CheckpointMoved);
        }
        writes.iter().for_each(|write| shown.write(write));
        shown.checkpoint = to;
        Ok(ReadModelCommit::Done)
    }
}

impl Generations for MemoryViews {
    type Stores = MemoryGeneration;

    async fn begin(&self, partition: PartitionId) -> Result<Generation, Unavailable> {
        let mut state = self.state();
        let views = state.entry(partition).or_default();
        views.newest = Generation(views.newest.max(views.live).0 + 1);
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
        let (live, other): (Shown, Shown) = (of(views.live), of(generation));
        let mut comparison = Comparison::default();
        let auctions: BTreeSet<AuctionId> = live.lines.keys().chain(other.lines.keys()).copied().collect();
        for auction in auctions {
            comparison.add(auction, &live.shown(auction), &other.shown(auction));
        }
        Ok(comparison)
    }

    async fn switch(&self, partition: PartitionId, to: Generation) -> Result<SwitchResult, Unavailable> {
        let mut state = self.state();
        let views = state.entry(partition).or_default();
        let checkpoint = |generation| views.all.get(&generation).map_or(0, |shown: &Shown| shown.checkpoint);
        if views.live > to {
            return Ok(SwitchResult::Superseded);
        }
        if checkpoint(to) < checkpoint(views.live) {
            return Ok(SwitchResult::Behind);
        }
        views.live = to;
        Ok(SwitchResult::Done)
    }

    async fn drop_old(&self) -> Result<u64, Unavailable> {
        let mut dropped = 0;
        for views in self.state().values_mut() {
            let before = views.all.len();
            let live = views.live;
            views.all.retain(|generation, _| *generation >= live);
            dropped += (before - views.all.len()) as u64;
        }
        Ok(dropped)
    }
}

impl ReadModelReader for MemoryViews {
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<AsOf<Option<Vec<u8>>>, Unavailable> {
        Ok(self.as_of(partition, |shown| shown.users.remove(&user)))
    }

    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<AsOf<Option<AuctionDocument>>, Unavailable> {
        let shown = |json| AuctionDocument { json, now: Timestamp(0) };
        Ok(self.as_of(partition, |views| views.auctions.remove(&auction).map(shown)))
    }

    async fn bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        Ok(self.as_of(partition, |shown| shown.page(auction, None, before, limit)))
    }

    async fn bids_of(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        Ok(self.as_of(partition, |shown| shown.page(auction, Some(user), before, limit)))
    }

    async fn listed(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<AsOf<AuctionPage>, Unavailable> {
        let mut listed: Vec<AuctionEntry> = Vec::new();
        for mut shown in self.live().into_values() {
            for (_, ends_at, auction) in shown.places.iter().copied().filter(|place| place.0 == status) {
                let Some((_, _, json)) = shown.lines.remove(&auction) else { continue };
                listed.push(AuctionEntry { ends_at, auction, json });
            }
        }
        listed.sort_by_key(|line| (line.ends_at, line.auction));
        let is_open = status == AuctionStatus::Open;
        if !is_open {
            listed.reverse();
        }
        listed.retain(|line| {
            let place = (line.ends_at, line.auction);
            after.is_none_or(|after| if is_open { place > after } else { place < after })
        });
        let next = (listed.len() > limit).then(|| (listed[limit - 1].ends_at, listed[limit - 1].auction));
        listed.truncate(limit);
        Ok(AsOf { positions: self.positions(), shown: AuctionPage { lines: listed, next } })
    }

    async fn bidder(
        &self,
        user: UserId,
        before: Option<AuctionId>,
        limit: usize,
    ) -> Result<AsOf<BidderAuctionPage>, Unavailable> {
        let mut lines: Vec<BidderAuction> = Vec::new();
        for shown in self.live().into_values() {
            for (_, auction) in shown.bid_in.iter().filter(|(of, _)| *of == user) {
                let Some((status, leader, item)) = shown.lines.get(auction).cloned() else { continue };
                let Some(bidder) = shown.bidders.get(&(user, *auction)) else { continue };
                lines.push(BidderAuction { auction: *auction, status, leader, bidder: bidder.clone(), item });
            }
        }
        lines.retain(|line| before.is_none_or(|before| line.auction < before));
        lines.sort_by_key(|line| std::cmp::Reverse(line.auction));
        let next = (lines.len() > limit).then(|| lines[limit - 1].auction);
        lines.truncate(limit);
        Ok(AsOf { positions: self.positions(), shown: BidderAuctionPage { lines, next } })
    }

    async fn checkpoints(&self, partitions: &[PartitionId]) -> Result<Positions, Unavailable> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.positions().within(partitions))
    }
}
