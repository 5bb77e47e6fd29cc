//! A load balancer: it knows who is ready, sends nothing new to anybody else, and a client of it asks again what was not
//! answered, with the same key.

use crate::run::target::client::Address;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So long a client asks again.
const GIVES_UP: Duration = Duration::from_secs(90);

/// Between two attempts of a client.
const AGAIN: Duration = Duration::from_millis(100);

/// One address.
#[derive(Debug)]
struct Backend {
    address: Address,
    is_ready: AtomicBool,
    /// How often it stopped being ready: connections from before are of no use.
    went: AtomicU64,
}

/// A connection's number, and how often whom it leads to had gone.
pub(crate) type Lead = (usize, u64);

/// Several addresses of one portal.
#[derive(Debug)]
pub(crate) struct Balance {
    backends: Vec<Backend>,
    next: AtomicUsize,
    /// When requests were sent that were not served, and what was answered.
    failed: Mutex<Vec<(Instant, String)>>,
}

impl Balance {
    /// All of them ready.
    pub(crate) fn new(addresses: Vec<Address>) -> Balance {
        let backends = addresses.into_iter().map(|address| Backend {
            address,
            is_ready: AtomicBool::new(true),
            went: AtomicU64::new(0),
        });
        Balance { backends: backends.collect(), next: AtomicUsize::new(0), failed: Mutex::default() }
    }

    /// Whether one is ready.
    pub(crate) fn is(&self, number: usize, ready: bool) {
        let Some(backend) = self.backends.get(number) else { return };
        if backend.is_ready.swap(ready, Ordering::Relaxed) && !ready {
            backend.went.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether somebody is known to be ready.
    pub(crate) fn knows(&self, host: &str) -> bool {
        let found = self.backends.iter().find(|backend| backend.address.host == host);
        found.is_some_and(|backend| backend.is_ready.load(Ordering::Relaxed))
    }

    /// Whether a connection may be used.
    pub(crate) fn is_good(&self, (number, went): Lead) -> bool {
        self.backends.get(number).is_some_and(|backend| {
            backend.is_ready.load(Ordering::Relaxed) && backend.went.load(Ordering::Relaxed) == went
        })
    }

    /// Where the next connection goes: to one that is ready, if there is one.
    pub(crate) fn pick(&self) -> (Lead, &Address) {
        let (first, count) = (self.next.fetch_add(1, Ordering::Relaxed), self.backends.len());
        let is_ready = |number: &usize| self.backends[*number].is_ready.load(Ordering::Relaxed);
        let number = (first..first + count).map(|n| n % count).find(is_ready).unwrap_or(first % count);
        let backend = &self.backends[number];
        ((number, backend.went.load(Ordering::Relaxed)), &backend.address)
    }

    /// Notes what was not served, and waits; false if it was served, or if it is time to give up.
    pub(crate) async fn asks_again(&self, began: Instant, sent: Instant, status: u16, why: &str) -> bool {
        if !matches!(status, 0 | 429 | 500..) {
            return false;
        }
        self.failures().push((sent, format!("{status} {why}")));
        if began.elapsed() > GIVES_UP {
            return false;
        }
        tokio::time::sleep(AGAIN).await;
        true
    }

    /// The answers to requests sent since then that were not served, and how often each.
    pub(crate) fn failed_since(&self, since: Instant) -> BTreeMap<String, u64> {
        let mut failed = BTreeMap::new();
        for (_, answer) in self.failures().iter().filter(|(sent, _)| *sent >= since) {
            *failed.entry(answer.clone()).or_default() += 1;
        }
        failed
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, String)>> {
        // Nothing that panics is done while it is held.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_new_goes_to_who_is_not_ready() {
        let balance = Balance::new(["a", "b"].map(|host| Address { host: host.to_owned() }).to_vec());
        let picks = || (0..4).map(|_| balance.pick().1.host.as_str()).collect::<String>();
        assert_eq!(picks(), "abab");
        balance.is(0, false);
        assert_eq!(picks(), "bbbb");
        balance.is(1, false);
        assert_eq!(picks().len(), 4, "somebody must be asked");
        balance.is(0, true);
        assert!(balance.is_good((0, 1)) && !balance.is_good((0, 0)), "he has closed what there was");
    }

    #[tokio::test]
    async fn what_is_not_served_is_asked_again_and_counted() {
        let (balance, now) = (Balance::new(Vec::new()), Instant::now());
        for (status, again) in [(201, false), (409, false), (0, true), (503, true), (429, true)] {
            assert_eq!(balance.asks_again(now, now, status, "").await, again, "{status}");
        }
        let failed: Vec<_> = balance.failed_since(now).into_iter().collect();
        assert_eq!(failed, [("0 ", 1), ("429 ", 1), ("503 ", 1)].map(|(why, count)| (why.to_owned(), count)));
    }
}
