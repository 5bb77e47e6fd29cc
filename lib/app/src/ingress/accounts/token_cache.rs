//! What an ingress knows of tokens. Whoever called a moment ago is known: nothing is waited for, and nobody is asked.
//!
//! What is known is looked up again now and then, all that were used since in one go, so that a token that was
//! revoked is found out also if nobody said so. While the store is away, what is known stays good until it
//! expires.

use super::{PrincipalKind, TokenHash, TokenIdentity};
use crate::ports::Unavailable;
use crate::ports::people::tokens::{Revocation, TokenStore};
use auction_domain::Timestamp;
use lru::LruCache;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use worker_runtime::shutdown::ShutdownSignal;

/// Requests of different callers hardly ever meet at the same one.
const SHARDS: usize = 64;

/// So many are looked up again at a time.
const CHUNK: usize = 1000;

/// What is known and was not used for a while is looked up before it is used again. That long it is waited for;
/// then it is good for once more.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tokens that an ingress knows.
pub struct TokenCache<T> {
    tokens: T,
    shards: [Mutex<Shard>; SHARDS],
    most: usize,
    every: Duration,
    store_answers: AtomicBool,
}

type Shard = LruCache<TokenHash, Known>;

struct Known {
    holder: TokenIdentity,
    looked_up: Instant,
    used: bool,
}

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLookup {
    /// It stands for that.
    Known(TokenIdentity),
    /// Somebody has to look: [`TokenCache::look_up`].
    NotSure,
}

impl<T: TokenStore> TokenCache<T> {
    /// At most so many; what is used is looked up again so often.
    pub fn new(tokens: T, most: usize, every: Duration) -> TokenCache<T> {
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::unbounded()));
        let most = most.div_ceil(SHARDS);
        TokenCache { tokens, shards, most, every, store_answers: AtomicBool::new(true) }
    }

    fn shard(&self, token: TokenHash) -> MutexGuard<'_, Shard> {
        // Each change is one call: it is whole also after a panic.
        self.shards[usize::from(token.0[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, at once.
    pub fn get(&self, token: TokenHash, now: Timestamp) -> CacheLookup {
        let mut shard = self.shard(token);
        match shard.get_mut(&token) {
            Some(known) if now < known.holder.expires_at => {
                // What is in use is looked up behind our back; this one was not.
                if known.looked_up.elapsed() > 3 * self.every && self.store_answers.load(Ordering::Relaxed) {
                    return CacheLookup::NotSure;
                }
                known.used = true;
                CacheLookup::Known(known.holder)
            }
            _ => CacheLookup::NotSure,
        }
    }

    /// Looks a token up; none if it is not good, or not any more.
    pub async fn look_up(
        &self,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<TokenIdentity>, Unavailable> {
        let known = self.shard(token).get(&token).map(|known| known.holder);
        let known = known.filter(|holder| now < holder.expires_at);
        let asked = [token];
        let look = self.tokens.find(&asked, now);
        let found = match known {
            None => look.await?,
            Some(known) => match timeout(PATIENCE, look).await {
                Ok(Ok(found)) => found,
                Ok(Err(_)) | Err(_) => {
                    self.store_answers.store(false, Ordering::Relaxed);
                    return Ok(Some(known));
                }
            },
        };
        let holder = found.first().map(|(_, holder)| *holder);
        match holder {
            Some(holder) => self.know(token, holder),
            None => self.forget(token),
        }
        Ok(holder)
    }

    fn know(&self, token: TokenHash, holder: TokenIdentity) {
        let mut shard = self.shard(token);
        shard.put(token, Known { holder, looked_up: Instant::now(), used: false });
        while shard.len() > self.most {
            shard.pop_lru();
        }
    }

    fn forget(&self, token: TokenHash) {
        self.shard(token).pop(&token);
    }

    /// It is not good any more.
    pub fn revoked(&self, revoked: Revocation) {
        match revoked {
            Revocation::Token(token) => self.forget(token),
            Revocation::User(user) => {
                let theirs = |known: &Known| known.holder.who == PrincipalKind::User(user);
                for shard in &self.shards {
                    let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                    let found: Vec<TokenHash> =
                        shard.iter().filter(|(_, known)| theirs(known)).map(|(token, _)| *token).collect();
                    for token in found {
                        shard.pop(&token);
                    }
                }
            }
        }
    }

    /// Something may have been revoked, and nobody heard: all are looked up soon.
    pub fn look_again(&self) {
        self.all(|known| known.used = true);
    }

    fn all(&self, mut change: impl FnMut(&mut Known)) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.iter_mut().for_each(|(_, known)| change(known));
        }
    }

    /// Those that were used since they were looked up.
    fn used(&self) -> Vec<TokenHash> {
        let mut used = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let since = shard.iter_mut().filter(|(_, known)| known.used);
            used.extend(since.map(|(token, known)| {
                known.used = false;
                *token
            }));
        }
        used
    }

    /// Looks up again what is in use, until it is time to stop.
    pub async fn run_refresh(&self, now: impl Fn() -> Timestamp, mut stop: ShutdownSignal) {
        let mut left = Vec::new();
        while !stop.requested() {
            stop.sleep(self.every).await;
            left.extend(self.used());
            match self.look_up_again(&mut left, now()).await {
                Ok(()) => self.store_answers.store(true, Ordering::Relaxed),
                Err(error) => {
                    if self.store_answers.swap(false, Ordering::Relaxed) {
                        tracing::warn!(%error, "tokens cannot be looked up: those that are known stay good");
                    }
                    left.sort_unstable_by_key(|token| token.0);
                    left.dedup();
                }
            }
        }
    }

    /// One chunk after the other, from the end. What is left was not looked up.
    async fn look_up_again(&self, left: &mut Vec<TokenHash>, now: Timestamp) -> Result<(), Unavailable> {
        // With nothing to look up there is still the question whether somebody answers.
        if left.is_empty() && !self.store_answers.load(Ordering::Relaxed) {
            self.tokens.find(&[], now).await?;
        }
        while !left.is_empty() {
            let chunk = &left[left.len() - left.len().min(CHUNK)..];
            let found = self.tokens.find(chunk, now).await?;
            let found: HashMap<TokenHash, TokenIdentity> = found.into_iter().collect();
            for token in chunk {
                match found.get(token) {
                    None => self.forget(*token),
                    Some(holder) => {
                        if let Some(known) = self.shard(*token).peek_mut(token) {
                            (known.holder, known.looked_up) = (*holder, Instant::now());
                        }
                    }
                }
            }
            left.truncate(left.len() - left.len().min(CHUNK));
        }
        Ok(())
    }
}
