//! Locks on the partition, for writers that take turns: sessions of a database, which ends one that is silent for long.

use crate::world::{Server, World};
use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long a lock is waited for.
const WAITS: u64 = 1000;

/// A session that is silent for longer is ended.
const SILENT: u64 = 10_000;

/// An answer that takes longer is not waited for.
const DEADLINE: Duration = Duration::from_secs(10);

/// The lock of the one partition there is.
#[derive(Clone, Debug)]
pub(crate) struct Locks {
    world: World,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sessions: u64,
    /// Which session, and when it was last heard of.
    holder: Option<(u64, u64)>,
}

/// A session.
#[derive(Debug)]
pub(crate) struct Lock {
    locks: Locks,
    session: u64,
    /// It has the lock, as far as it knows.
    has_it: bool,
}

impl Locks {
    /// A lock that nobody has.
    pub(crate) fn new(world: &World) -> Locks {
        Locks { world: world.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn passes(&self) -> Result<(), Unavailable> {
        self.world.moment().await;
        let heard = self.world.is_heard(Server::Postgres);
        timeout(DEADLINE, heard).await.map_err(|_| Unavailable::new("postgres", "no answer in time"))?;
        if self.world.fails() { Err(Unavailable::new("postgres", "the connection is lost")) } else { Ok(()) }
    }

    fn try_take(&self, session: u64) -> bool {
        let now = self.world.elapsed();
        let mut state = self.state();
        let free = state.holder.is_none_or(|(_, heard_of)| heard_of + SILENT < now);
        if free {
            state.holder = Some((session, now));
        }
        free
    }
}

impl PartitionLockConnector for Locks {
    type Lock = Lock;
    async fn open(&self, _: PartitionId) -> Result<Lock, Unavailable> {
        self.passes().await?;
        let mut state = self.state();
        state.sessions += 1;
        Ok(Lock { locks: self.clone(), session: state.sessions, has_it: false })
    }
}

impl PartitionLock for Lock {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        self.locks.passes().await?;
        let until = self.locks.world.elapsed() + WAITS;
        while !self.locks.try_take(self.session) {
            if self.locks.world.elapsed() >= until {
                return Ok(false);
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.has_it = true;
        self.locks.passes().await.map(|()| true)
    }

    async fn release(&mut self) -> Result<(), Unavailable> {
        self.locks.passes().await?;
        self.has_it = false;
        let mut state = self.locks.state();
        match state.holder {
            Some((session, _)) if session == self.session => state.holder = None,
            _ => return Err(Unavailable::new("postgres", "the session was silent for too long")),
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.locks.state();
        if state.holder.is_some_and(|(session, _)| session == self.session) {
            state.holder = None;
        }
    }
}
