//! What was read a moment ago need not be read again: of all who want the same, one reads and the others wait for
//! it.

use lru::LruCache;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When it was asked for, and what it was.
type Kept<T> = Option<(Instant, T)>;

/// A few things that are kept for a moment, by their names.
pub struct CoalescingCache<N, T> {
    keep: Duration,
    kept: Mutex<LruCache<N, Arc<tokio::sync::Mutex<Kept<T>>>>>,
}

impl<N: Hash + Eq, T: Clone> CoalescingCache<N, T> {
    /// At most so many, for so long; for no time at all everything is read.
    pub fn new(most: NonZeroUsize, keep: Duration) -> CoalescingCache<N, T> {
        CoalescingCache { keep, kept: Mutex::new(LruCache::new(most)) }
    }

    /// What is kept under that name, if it is good enough, or else is read now. Errors are not kept.
    pub async fn get<E, F: Future<Output = Result<T, E>>>(
        &self,
        name: N,
        is_good: impl Fn(&T) -> bool,
        read: impl FnOnce() -> F,
    ) -> Result<T, E> {
        if self.keep.is_zero() {
            return Box::pin(read()).await;
        }
        let kept = {
            // A panic while it was held cannot leave it half changed: each change is one call.
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.get_or_insert_mut(name, Arc::default))
        };
        let good = |kept: &Kept<T>| match kept {
            Some((at, found)) if at.elapsed() < self.keep && is_good(found) => Some(found.clone()),
            _ => None,
        };
        // Most find it there. They need no timer, nor room for what the others do.
        if let Ok(kept) = kept.try_lock()
            && let Some(found) = good(&kept)
        {
            return Ok(found);
        }
        Box::pin(async {
            // Whoever reads may be held up; that long nobody waits for him.
            let Ok(mut kept) = tokio::time::timeout(self.keep, kept.lock()).await else {
                return read().await;
            };
            if let Some(found) = good(&kept) {
                return Ok(found);
            }
            let began = Instant::now();
            let found = read().await?;
            *kept = Some((began, found.clone()));
            Ok(found)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    const KEEP: Duration = Duration::from_millis(300);

    fn briefly(most: usize) -> (CoalescingCache<String, u32>, AtomicU32) {
        (CoalescingCache::new(NonZeroUsize::new(most).unwrap(), KEEP), AtomicU32::new(0))
    }

    /// Takes a while, and tells how often it was done.
    async fn read(reads: &AtomicU32) -> Result<u32, Infallible> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(reads.fetch_add(1, Ordering::Relaxed) + 1)
    }

    #[tokio::test(start_paused = true)]
    async fn one_reads_for_all_who_ask_in_a_moment() {
        let (briefly, reads) = briefly(2);
        let get = |name: &str| briefly.get(name.to_owned(), |_| true, || read(&reads));
        assert_eq!(tokio::join!(get("a"), get("a"), get("a")), (Ok(1), Ok(1), Ok(1)));
        assert_eq!(get("b").await, Ok(2), "another one");
        assert_eq!(get("a").await, Ok(1));
        tokio::time::sleep(KEEP).await;
        assert_eq!(get("a").await, Ok(3), "the moment is over");
        assert_eq!(
            briefly.get("a".to_owned(), |kept| *kept > 3, || read(&reads)).await,
            Ok(4),
            "not good enough"
        );
        assert_eq!((get("c").await, get("b").await), (Ok(5), Ok(6)), "there is room for two");
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_not_kept_and_nobody_waits_long_for_another() {
        let (briefly, reads) = briefly(2);
        let failed: Result<u32, &str> = briefly.get("a".to_owned(), |_| true, async || Err("away")).await;
        assert_eq!(failed, Err("away"));
        let stuck = briefly.get(
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
            (briefly.get("a".to_owned(), |_| true, || read(&reads)).await, began.elapsed())
        };
        let (_, (found, waited)) = tokio::join!(stuck, other);
        assert_eq!((found, waited), (Ok(1), KEEP + Duration::from_millis(50)));
    }
}
