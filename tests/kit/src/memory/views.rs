use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{
    AsOf, Document, ListRange, Member, Order, Page, PageQuery, ReadModelCommit, ReadModelConnector,
    ReadModelReader, ReadModelWrite, ReadModelWriter, ViewName,
};
use auction_app::projector::ViewSet;
use auction_domain::Timestamp;
use auction_wire::{PartitionId, Positions};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Read models of all partitions. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryViews(Arc<Mutex<BTreeMap<PartitionId, PartitionViews>>>, Arc<AtomicU64>);

/// Read models of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PartitionViews {
    checkpoint: u64,
    views: ViewSet,
}

impl MemoryViews {
    fn state(&self) -> MutexGuard<'_, BTreeMap<PartitionId, PartitionViews>> {
        self.0.lock().unwrap()
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
    /// Returns the number of members of a list, and those after the start of a page, the first ones first.
    fn members(&self, list: &ListRange) -> (usize, Vec<String>) {
        match list {
            ListRange::Numbers { of, before } => {
                let count = self.views.0.get(of).map_or(0, BTreeMap::len);
                let numbers =
                    (1..=count as u64).filter(|number| before.is_none_or(|before| *number < before));
                (count, numbers.rev().map(|number| number.to_string()).collect())
            }
            ListRange::Members { list, prefix, order, after } => {
                let members = self.views.0.get(list).into_iter().flat_map(BTreeMap::keys);
                let all: Vec<&String> = members.filter(|member| member.starts_with(prefix)).collect();
                let is_after = |member: &String| {
                    after.as_ref().is_none_or(|after| match order {
                        Order::Ascending => member > after,
                        Order::Descending => member < after,
                    })
                };
                (all.len(), all.into_iter().filter(|member| is_after(member)).cloned().collect())
            }
        }
    }

    fn member(&self, query: &PageQuery, text: &str) -> Option<Member> {
        let field = (query.field)(text);
        let part = |part: &ViewName| self.views.0.get(part)?.get(&field).cloned();
        Some(Member { text: text.to_owned(), parts: query.parts.iter().map(part).collect::<Option<_>>()? })
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
        writes.iter().for_each(|write| views.views.write(write.clone()));
        views.checkpoint = to;
        Ok(ReadModelCommit::Done)
    }
}

#[async_trait]
impl ReadModelReader for MemoryViews {
    async fn document(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<AsOf<Option<Document>>, Unavailable> {
        let mut state = self.state();
        let PartitionViews { checkpoint, views } = state.entry(partition).or_default();
        let document = |json| Document { json, now: Timestamp(0) };
        let value = views.0.get(&name).and_then(|of| of.get("")).cloned().map(document);
        Ok(AsOf { positions: Positions::of(partition, *checkpoint), value })
    }

    async fn page(&self, query: &PageQuery) -> Result<AsOf<Option<Page>>, Unavailable> {
        let (positions, state) = (self.positions(), self.state());
        let read = state.iter().filter(|(of, _)| query.partition.is_none_or(|only| only == **of));
        let (mut exists, mut count, mut members) = (query.owner.is_none(), 0, Vec::new());
        for (_, views) in read {
            exists |= query.owner.is_some_and(|owner| views.views.0.contains_key(&owner));
            let (here, found) = views.members(&query.list);
            count += here as u64;
            members.extend(found.into_iter().map(|member| (member, views)));
        }
        if let ListRange::Members { order, .. } = query.list {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            if order == Order::Descending {
                members.reverse();
            }
        }
        let next = (members.len() > query.limit).then(|| members[query.limit - 1].0.clone());
        members.truncate(query.limit);
        let members = members.iter().filter_map(|(member, views)| views.member(query, member)).collect();
        let positions = query.partition.map_or(positions.clone(), |only| positions.within(&[only]));
        Ok(AsOf { positions, value: exists.then_some(Page { count, members, next }) })
    }

    async fn contents(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<BTreeMap<String, Vec<u8>>, Unavailable> {
        Ok(self.state().get(&partition).and_then(|of| of.views.0.get(&name).cloned()).unwrap_or_default())
    }

    async fn checkpoints(&self, partitions: &[PartitionId]) -> Result<Positions, Unavailable> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.positions().within(partitions))
    }
}
