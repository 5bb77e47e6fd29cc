//! Cache of tokens. A request with a cached token needs no round trip.
//!
//! Cached tokens that were used are looked up again at an interval, in batches, so that a revoked token is
//! detected even if its revocation message was lost. While the store is unavailable, cached tokens stay valid
//! until they expire.

use crate::ports::Unavailable;
use crate::ports::people::tokens::{Revocation, TokenStore};
use crate::ports::people::{PrincipalKind, TokenHash, TokenIdentity};
use auction_domain::Timestamp;
use lru::LruCache;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use worker_runtime::Supervisor;

/// Number of locks. Requests of different callers rarely contend for the same one.
const SHARDS: usize = 64;

/// Number of tokens looked up again in one query.
const CHUNK: usize = 1000;

/// Timeout of the lookup of a cached token that was not used for a while. After it, the cached identity is
/// used once more.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Least-recently-used cache of tokens and their identities.
pub struct TokenCache {
    tokens: Arc<dyn TokenStore>,
    shards: [Mutex<Shard>; SHARDS],
    max_per_shard: usize,
    refresh_interval: Duration,
    store_is_available: AtomicBool,
}

type Shard = LruCache<TokenHash, Entry>;

struct Entry {
    identity: TokenIdentity,
    looked_up: Instant,
    /// Whether the token was used since it was looked up.
    used: bool,
}

/// Result of a cache lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLookup {
    Valid(TokenIdentity),
    /// The token is not cached, or its entry is too old: call [`TokenCache::look_up`].
    LookupRequired,
}

impl TokenCache {
    pub fn new(tokens: Arc<dyn TokenStore>, capacity: usize, refresh_interval: Duration) -> TokenCache {
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::unbounded()));
        let max_per_shard = capacity.div_ceil(SHARDS);
        let store_is_available = AtomicBool::new(true);
        TokenCache { tokens, shards, max_per_shard, refresh_interval, store_is_available }
    }

    fn shard(&self, token: TokenHash) -> MutexGuard<'_, Shard> {
        // A panic cannot leave the shard inconsistent: each change is one call.
        self.shards[usize::from(token.0[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks up a token in the cache only.
    pub fn get(&self, token: TokenHash, now: Timestamp) -> CacheLookup {
        let mut shard = self.shard(token);
        match shard.get_mut(&token) {
            Some(entry) if now < entry.identity.expires_at => {
                // Tokens in use are refreshed in the background. An entry this old was not in use.
                let is_old = entry.looked_up.elapsed() > 3 * self.refresh_interval;
                if is_old && self.store_is_available.load(Ordering::Relaxed) {
                    return CacheLookup::LookupRequired;
                }
                entry.used = true;
                CacheLookup::Valid(entry.identity)
            }
            _ => CacheLookup::LookupRequired,
        }
    }

    /// Looks up a token in the store; none if it is unknown, revoked or expired. If the store is unavailable,
    /// a cached identity is returned.
    pub async fn look_up(
        &self,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<TokenIdentity>, Unavailable> {
        let cached = self.shard(token).get(&token).map(|entry| entry.identity);
        let cached = cached.filter(|identity| now < identity.expires_at);
        let tokens = [token];
        let lookup = self.tokens.find(&tokens, now);
        let found = match cached {
            None => lookup.await?,
            Some(cached) => match timeout(LOOKUP_TIMEOUT, lookup).await {
                Ok(Ok(found)) => found,
                Ok(Err(_)) | Err(_) => {
                    self.store_is_available.store(false, Ordering::Relaxed);
                    return Ok(Some(cached));
                }
            },
        };
        let identity = found.first().map(|(_, identity)| *identity);
        match identity {
            Some(identity) => self.insert(token, identity),
            None => self.remove(token),
        }
        Ok(identity)
    }

    fn insert(&self, token: TokenHash, identity: TokenIdentity) {
        let mut shard = self.shard(token);
        shard.put(token, Entry { identity, looked_up: Instant::now(), used: false });
        while shard.len() > self.max_per_shard {
            shard.pop_lru();
        }
    }

    fn remove(&self, token: TokenHash) {
        self.shard(token).pop(&token);
    }

    pub fn revoke(&self, revocation: Revocation) {
        match revocation {
            Revocation::Token(token) => self.remove(token),
            Revocation::User(user) => {
                let is_theirs = |entry: &Entry| entry.identity.principal == PrincipalKind::User(user);
                for shard in &self.shards {
                    let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                    let found: Vec<TokenHash> =
                        shard.iter().filter(|(_, entry)| is_theirs(entry)).map(|(token, _)| *token).collect();
                    for token in found {
                        shard.pop(&token);
                    }
                }
            }
        }
    }

    /// Makes the next refresh look up every cached token, because revocations may have been lost.
    pub fn refresh_all(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.iter_mut().for_each(|(_, entry)| entry.used = true);
        }
    }

    /// Returns the tokens that were used since they were looked up, and marks them as unused.
    fn take_used(&self) -> Vec<TokenHash> {
        let mut used = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = shard.iter_mut().filter(|(_, entry)| entry.used);
            used.extend(entries.map(|(token, entry)| {
                entry.used = false;
                *token
            }));
        }
        used
    }

    /// Refreshes the cached tokens that are in use, until shutdown.
    pub async fn run_refresh(&self, now: impl Fn() -> Timestamp, supervisor: Supervisor) {
        let (mut left, supervisor) = (Vec::new(), supervisor.with_interval(self.refresh_interval));
        supervisor.succeeded();
        while !supervisor.stopping() {
            supervisor.sleep(self.refresh_interval).await;
            left.extend(self.take_used());
            match self.refresh(&mut left, now()).await {
                Ok(()) => {
                    self.store_is_available.store(true, Ordering::Relaxed);
                    supervisor.succeeded();
                }
                Err(error) => {
                    supervisor.report_failure(&error);
                    if self.store_is_available.swap(false, Ordering::Relaxed) {
                        tracing::warn!(%error,
                            "token store unavailable, cached tokens stay valid until they expire");
                    }
                    left.sort_unstable_by_key(|token| token.0);
                    left.dedup();
                }
            }
        }
    }

    /// Refreshes tokens chunk by chunk, from the end of the list. After an error, `left` holds those not
    /// refreshed.
    async fn refresh(&self, left: &mut Vec<TokenHash>, now: Timestamp) -> Result<(), Unavailable> {
        // Without tokens to refresh, an empty query checks whether the store is available again.
        if left.is_empty() && !self.store_is_available.load(Ordering::Relaxed) {
            self.tokens.find(&[], now).await?;
        }
        while !left.is_empty() {
            let chunk = &left[left.len() - left.len().min(CHUNK)..];
            let found = self.tokens.find(chunk, now).await?;
            let found: HashMap<TokenHash, TokenIdentity> = found.into_iter().collect();
            for token in chunk {
                match found.get(token) {
                    None => self.remove(*token),
                    Some(identity) => {
                        if let Some(entry) = self.shard(*token).peek_mut(token) {
                            (entry.identity, entry.looked_up) = (*identity, Instant::now());
                        }
                    }
                }
            }
            left.truncate(left.len() - left.len().min(CHUNK));
        }
        Ok(())
    }
}
