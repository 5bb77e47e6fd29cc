use super::user_deletions::{Deletion, new_bar};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendBatch, AppendResult, EventStore, EventStoreConnector, NewEvent, OpenAuctions,
    UnrevealedAuctions,
};
use auction_app::ports::events::heads::HeadReader;
use auction_app::ports::people::user_deletions::Bar;
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::user_bar::BarEvent;
use auction_domain::{AuctionId, BidId, Timestamp, UserId};
use auction_wire::snapshot::FORMAT;
use auction_wire::{CommandId, Event, EventRecord, Outcome, PartitionId, Positions, SnapshotRecord};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use uuid::Uuid;

/// Event store. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    events: BTreeMap<PartitionId, Vec<EventRecord>>,
    versions: HashSet<(Uuid, u64)>,
    outcomes: HashMap<CommandId, Outcome>,
    users: BTreeSet<UserId>,
    pub(super) accounts: BTreeSet<UserId>,
    pub(super) deletions: Vec<Deletion>,
    pub(super) bars: BTreeMap<(PartitionId, UserId), Bar>,
    pub(super) bids: HashMap<BidId, PlacedBid>,
    pub(super) open: BTreeMap<AuctionId, (PartitionId, Timestamp)>,
    pub(super) sellers: BTreeMap<AuctionId, UserId>,
    unrevealed: BTreeMap<AuctionId, PartitionId>,
    rejected: HashSet<CommandId>,
    snapshots: BTreeMap<Uuid, SnapshotRecord>,
    committed: Vec<AppendBatch>,
}

impl MemoryStore {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn events(&self, partition: PartitionId) -> Vec<EventRecord> {
        self.state().events.get(&partition).cloned().unwrap_or_default()
    }

    /// Makes `append` reject every batch with events of this command.
    pub fn reject(&self, command: CommandId) {
        self.state().rejected.insert(command);
    }

    /// Changes the kind of an event, as a newer program might have written it. Returns the previous kind.
    pub fn change_kind(&self, partition: PartitionId, position: u64, kind: &str) -> String {
        let mut state = self.state();
        let event = &mut state.events.get_mut(&partition).unwrap()[position as usize - 1];
        std::mem::replace(&mut event.kind, kind.to_owned())
    }

    /// Changes whether a user is active, without an event.
    pub fn set_active(&self, user: UserId, active: bool) {
        let mut state = self.state();
        if active {
            state.users.insert(user)
        } else {
            state.users.remove(&user)
        };
    }

    /// Deletes the outcome of a command, as retention does.
    pub fn forget_outcome(&self, command: CommandId) {
        self.state().outcomes.remove(&command);
    }

    pub fn snapshots(&self) -> Vec<SnapshotRecord> {
        self.state().snapshots.values().cloned().collect()
    }

    /// Removes all snapshots, so that states are loaded from events.
    pub fn forget_snapshots(&self) {
        self.state().snapshots.clear();
    }

    /// Stores a snapshot without any check.
    pub fn put_snapshot(&self, snapshot: SnapshotRecord) {
        self.state().snapshots.insert(snapshot.key, snapshot);
    }

    /// Returns all committed appends, in order.
    pub fn committed(&self) -> Vec<AppendBatch> {
        self.state().committed.clone()
    }

    pub fn all_outcomes(&self) -> HashMap<CommandId, Outcome> {
        self.state().outcomes.clone()
    }
}

impl State {
    fn head(&self, partition: PartitionId) -> u64 {
        self.events.get(&partition).map_or(0, |events| events.len() as u64)
    }

    fn append(&mut self, batch: &AppendBatch) -> AppendResult {
        if self.head(batch.partition) != batch.expected_head {
            return AppendResult::HeadConflict;
        }
        let mut ids: HashSet<CommandId> = self.outcomes.keys().copied().collect();
        if !batch.outcomes.iter().all(|outcome| ids.insert(outcome.command)) {
            return AppendResult::DuplicateCommand;
        }
        // Postgres rejects NUL in texts.
        let nul = batch.outcomes.iter().any(|outcome| outcome.kind.contains('\0'));
        if nul || batch.events.iter().any(|event| self.rejected.contains(&event.record.cause)) {
            return AppendResult::Rejected("the content is rejected".to_owned());
        }
        let version = |event: &NewEvent| (event.record.key, event.record.version);
        if batch.events.iter().any(|event| self.versions.contains(&version(event))) {
            return AppendResult::HeadConflict;
        }
        for event in &batch.events {
            self.versions.insert(version(event));
            self.fold(batch.partition, event);
            self.events
                .entry(batch.partition)
                .or_default()
                .push(EventRecord { trace: String::new(), ..event.record.clone() });
        }
        self.outcomes.extend(batch.outcomes.iter().map(|outcome| (outcome.command, outcome.clone())));
        self.committed.push(batch.clone());
        AppendResult::Committed
    }

    fn deactivate(&mut self, bid: BidId) {
        if let Some(bid) = self.bids.get_mut(&bid) {
            bid.active = false;
        }
    }

    fn fold(&mut self, partition: PartitionId, event: &NewEvent) {
        let (user, auction) = (UserId(event.record.key), AuctionId(event.record.key));
        match &event.event {
            Event::User(UserEvent::UserCreated) => drop(self.users.insert(user)),
            Event::User(UserEvent::UserDeleted) => {
                self.users.remove(&user);
                self.deletions.push(Deletion::of(user));
            }
            Event::Auction(AuctionEvent::AuctionCreated { terms, .. }) => {
                self.open.insert(auction, (partition, terms.ends_at));
                if let Some(seller) = terms.seller {
                    self.sellers.insert(auction, seller);
                }
                self.unrevealed.extend(terms.promotion.map(|_| (auction, partition)));
            }
            Event::Auction(
                AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at, .. },
            ) => drop(self.open.insert(auction, (partition, *ends_at))),
            Event::Auction(
                AuctionEvent::AuctionCancelled { .. }
                | AuctionEvent::WinnerAnnounced(_)
                | AuctionEvent::AuctionClosedUnsold { .. },
            ) => drop(self.open.remove(&auction)),
            Event::Auction(AuctionEvent::SeedRevealed { .. }) => drop(self.unrevealed.remove(&auction)),
            Event::Auction(AuctionEvent::BidPlaced { bid, bidder, .. }) => {
                let placed = PlacedBid { auction, bidder: *bidder, active: true };
                assert!(self.bids.insert(*bid, placed).is_none(), "bid {bid} is placed twice");
            }
            Event::Auction(AuctionEvent::BidDeleted { bid, .. } | AuctionEvent::BidVoided { bid, .. }) => {
                self.deactivate(*bid);
            }
            Event::Auction(AuctionEvent::BidsRetracted { bids, .. }) => {
                bids.iter().for_each(|bid| self.deactivate(*bid));
            }
            Event::User(UserEvent::NotificationPreferencesChanged(_))
            | Event::Auction(_)
            | Event::Promoter(_) => {}
            Event::Bar(BarEvent::UsersBarred { users }) => {
                for user in users {
                    self.bars.entry((partition, *user)).or_insert_with(|| new_bar(partition, *user));
                }
            }
        }
    }
}

/// Bid, as needed to find the open interests of its bidder.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedBid {
    pub(super) auction: AuctionId,
    pub(super) bidder: UserId,
    pub(super) active: bool,
}

impl EventStoreConnector for MemoryStore {
    type Store = MemoryStore;
    async fn open(&self) -> Result<MemoryStore, Unavailable> {
        Ok(self.clone())
    }
}

impl EventStore for MemoryStore {
    async fn head(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        Ok(self.state().head(partition))
    }

    async fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        Ok(self.events(partition).into_iter().filter(|event| event.position > after).take(limit).collect())
    }

    async fn history(&mut self, keys: &[Uuid], until: u64) -> Result<Vec<EventRecord>, Unavailable> {
        let state = self.state();
        let all = state.events.values().flatten();
        let mut found: Vec<EventRecord> =
            all.filter(|event| keys.contains(&event.key) && event.position <= until).cloned().collect();
        found.sort_by_key(|event| (event.key, event.version));
        Ok(found)
    }

    async fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> Result<AggregateHistory, Unavailable> {
        let mut events = self.history(keys, until).await?;
        let state = self.state();
        let usable = |snapshot: &&SnapshotRecord| snapshot.position <= until && snapshot.format == FORMAT;
        let found = keys.iter().filter_map(|key| state.snapshots.get(key)).filter(usable);
        let snapshots: Vec<SnapshotRecord> = found.cloned().collect();
        events.retain(|event| {
            snapshots.iter().all(|snapshot| snapshot.key != event.key || snapshot.version < event.version)
        });
        Ok(AggregateHistory { snapshots, events })
    }

    async fn save_snapshot(&mut self, snapshot: &SnapshotRecord) -> Result<(), Unavailable> {
        let mut state = self.state();
        let newer = state
            .snapshots
            .get(&snapshot.key)
            .is_none_or(|old| old.version < snapshot.version || old.format != snapshot.format);
        if newer {
            state.snapshots.insert(snapshot.key, snapshot.clone());
        }
        Ok(())
    }

    async fn outcomes(
        &mut self,
        partition: PartitionId,
        commands: &[CommandId],
    ) -> Result<Vec<Outcome>, Unavailable> {
        let state = self.state();
        let found = commands.iter().filter_map(|command| state.outcomes.get(command).cloned());
        Ok(found.filter(|outcome| outcome.partition == partition).collect())
    }

    async fn active_users(
        &mut self,
        partition: PartitionId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, Unavailable> {
        let state = self.state();
        let is_active =
            |user: &UserId| state.users.contains(user) && !state.bars.contains_key(&(partition, *user));
        Ok(users.iter().copied().filter(is_active).collect())
    }

    async fn unfinished_bars(&mut self, partition: PartitionId) -> Result<Vec<UserId>, Unavailable> {
        let state = self.state();
        let here = state.bars.values().filter(|bar| bar.partition == partition && !bar.finished);
        Ok(here.map(|bar| bar.user).collect())
    }

    async fn open_auctions(&mut self, partition: PartitionId) -> Result<OpenAuctions, Unavailable> {
        let state = self.state();
        let here = state.open.iter().filter(|(_, (of, _))| *of == partition);
        let auctions = here.map(|(auction, (_, ends_at))| (*auction, *ends_at)).collect();
        Ok(OpenAuctions { position: state.head(partition), auctions })
    }

    async fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> Result<UnrevealedAuctions, Unavailable> {
        let state = self.state();
        let here = state.unrevealed.iter().filter(|(_, of)| **of == partition);
        let auctions = here.map(|(auction, _)| *auction).collect();
        Ok(UnrevealedAuctions { position: state.head(partition), auctions })
    }

    async fn append(&mut self, batch: &AppendBatch) -> Result<AppendResult, Unavailable> {
        Ok(self.state().append(batch))
    }
}

#[async_trait]
impl AuctionEventReader for MemoryStore {
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let state = self.state();
        let of =
            state.events.values().flatten().filter(|event| event.key == auction.0 && event.version > after);
        Ok(of.take(limit).cloned().collect())
    }
}

#[async_trait]
impl HeadReader for MemoryStore {
    async fn heads(&self) -> Result<Positions, Unavailable> {
        let events = &self.state().events;
        Ok(events.iter().map(|(partition, events)| (*partition, events.len() as u64)).collect())
    }
}

#[async_trait]
impl OutcomeReader for MemoryStore {
    async fn outcome(
        &self,
        command: CommandId,
        _: Option<PartitionId>,
    ) -> Result<Option<Outcome>, Unavailable> {
        Ok(self.state().outcomes.get(&command).cloned())
    }
}
