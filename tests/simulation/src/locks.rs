//! Partition lock of writers that take turns. It belongs to a database session, and the database ends
//! sessions that are silent for too long.

use crate::world::{Server, World};
use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Maximum time that `take` waits for the lock, in milliseconds.
const LOCK_TIMEOUT: u64 = 1000;

/// Time after which a silent session loses the lock, in milliseconds.
const SESSION_TIMEOUT: u64 = 10_000;

/// Maximum time that a client waits for an answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Locks of partitions. Clones share them.
#[derive(Clone, Debug)]
pub struct Locks {
    world: World,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sessions: u64,
    /// Session that has the lock of a partition, and when it was last active.
    holders: BTreeMap<PartitionId, (u64, u64)>,
}

/// One session that can take the lock.
#[derive(Debug)]
pub struct Lock {
    locks: Locks,
    partition: PartitionId,
    session: u64,
}

impl Locks {
    pub fn new(world: &World) -> Locks {
        Locks { world: world.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn round_trip(&self) -> Result<(), Unavailable> {
        self.world.pause().await;
        let responsive = self.world.wait_until_responsive(Server::Postgres);
        timeout(DEADLINE, responsive).await.map_err(|_| Unavailable::new("postgres", "no answer in time"))?;
        if self.world.fails() { Err(Unavailable::new("postgres", "connection lost")) } else { Ok(()) }
    }
}

impl PartitionLockConnector for Locks {
    type Lock = Lock;
    async fn open(&self, partition: PartitionId) -> Result<Lock, Unavailable> {
        self.round_trip().await?;
        let mut state = self.state();
        state.sessions += 1;
        Ok(Lock { locks: self.clone(), partition, session: state.sessions })
    }
}

impl Lock {
    fn try_take(&self) -> bool {
        let now = self.locks.world.elapsed();
        let mut state = self.locks.state();
        let holder = state.holders.get(&self.partition);
        let free = holder.is_none_or(|(_, last_seen)| last_seen + SESSION_TIMEOUT < now);
        if free {
            state.holders.insert(self.partition, (self.session, now));
        }
        free
    }

    /// Returns whether this session held the lock.
    fn free(&self) -> bool {
        let mut state = self.locks.state();
        let held = state.holders.get(&self.partition).is_some_and(|(session, _)| *session == self.session);
        if held {
            state.holders.remove(&self.partition);
        }
        held
    }
}

impl PartitionLock for Lock {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        self.locks.round_trip().await?;
        let until = self.locks.world.elapsed() + LOCK_TIMEOUT;
        while !self.try_take() {
            if self.locks.world.elapsed() >= until {
                return Ok(false);
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.locks.round_trip().await.map(|()| true)
    }

    async fn release(&mut self) -> Result<(), Unavailable> {
        self.locks.round_trip().await?;
        self.free().then_some(()).ok_or_else(|| Unavailable::new("postgres", "the session timed out"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.free();
    }
}
