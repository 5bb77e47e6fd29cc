//! Short-lived cache that coalesces concurrent reads: one caller reads the value, and the others wait for it.

use lru::LruCache;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A cached value and the time when its read was started.
type Entry<T> = Option<(Instant, T)>;

/// Least-recently-used cache of values with a time to live.
pub struct CoalescingCache<K, V> {
    ttl: Duration,
    entries: Mutex<LruCache<K, Arc<tokio::sync::Mutex<Entry<V>>>>>,
}

impl<K: Hash + Eq, V: Clone> CoalescingCache<K, V> {
    /// Creates a cache. With a `ttl` of zero, nothing is cached and reads are not coalesced.
    pub fn new(capacity: NonZeroUsize, ttl: Duration) -> CoalescingCache<K, V> {
        CoalescingCache { ttl, entries: Mutex::new(LruCache::new(capacity)) }
    }

    /// Returns the cached value if it is acceptable, and else reads it. Errors are not cached.
    ///
    /// A caller waits at most `ttl` for the read of another caller, and then reads the value itself.
    pub async fn get<E, F: Future<Output = Result<V, E>>>(
        &self,
        key: K,
        is_acceptable: impl Fn(&V) -> bool,
        read: impl FnOnce() -> F,
    ) -> Result<V, E> {
        if self.ttl.is_zero() {
            return Box::pin(read()).await;
        }
        let entry = {
            // A panic cannot leave the cache inconsistent: each change is one call.
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(entries.get_or_insert_mut(key, Arc::default))
        };
        let acceptable = |entry: &Entry<V>| match entry {
            Some((read_at, value)) if read_at.elapsed() < self.ttl && is_acceptable(value) => {
                Some(value.clone())
            }
            _ => None,
        };
        // The common case is a hit, which needs no timer and no memory for the future below.
        if let Ok(entry) = entry.try_lock()
            && let Some(value) = acceptable(&entry)
        {
            return Ok(value);
        }
        Box::pin(async {
            let Ok(mut entry) = tokio::time::timeout(self.ttl, entry.lock()).await else {
                return read().await;
            };
            if let Some(value) = acceptable(&entry) {
                return Ok(value);
            }
            let started = Instant::now();
            let value = read().await?;
            *entry = Some((started, value.clone()));
            Ok(value)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    const TTL: Duration = Duration::from_millis(300);

    fn cache(capacity: usize) -> (CoalescingCache<String, u32>, AtomicU32) {
        (CoalescingCache::new(NonZeroUsize::new(capacity).unwrap(), TTL), AtomicU32::new(0))
    }

    /// Takes 50 ms and returns the number of reads so far.
    async fn read(reads: &AtomicU32) -> Result<u32, Infallible> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(reads.fetch_add(1, Ordering::Relaxed) + 1)
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_reads_of_a_key_are_coalesced() {
        let (cache, reads) = cache(2);
        let get = |key: &str| cache.get(key.to_owned(), |_| true, || read(&reads));
        assert_eq!(tokio::join!(get("a"), get("a"), get("a")), (Ok(1), Ok(1), Ok(1)));
        assert_eq!(get("b").await, Ok(2), "another key");
        assert_eq!(get("a").await, Ok(1));
        tokio::time::sleep(TTL).await;
        assert_eq!(get("a").await, Ok(3), "the entry has expired");
        assert_eq!(
            cache.get("a".to_owned(), |value| *value > 3, || read(&reads)).await,
            Ok(4),
            "the cached value is not acceptable"
        );
        assert_eq!((get("c").await, get("b").await), (Ok(5), Ok(6)), "the capacity is two");
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_not_cached_and_a_stuck_read_delays_others_briefly() {
        let (cache, reads) = cache(2);
        let failed: Result<u32, &str> =
            cache.get("a".to_owned(), |_| true, async || Err("unavailable")).await;
        assert_eq!(failed, Err("unavailable"));
        let stuck = cache.get(
            "a".to_owned(),
            |_| true,
            async || {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok::<u32, Infallible>(0)
            },
        );
        let other = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let began = Instant::now();
            (cache.get("a".to_owned(), |_| true, || read(&reads)).await, began.elapsed())
        };
        let (_, (found, waited)) = tokio::join!(stuck, other);
        assert_eq!((found, waited), (Ok(1), TTL + Duration::from_millis(50)));
    }
}
