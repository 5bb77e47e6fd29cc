//! A load balancer: it knows who is ready, sends nothing new to anybody else, and a client of it asks again what was not
//! answered, with the same key.

use crate::run::target::client::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long a client asks again.
const GIVES_UP: Duration = Duration::from_secs(90);

/// Between two attempts of a client.
const AGAIN: Duration = Duration::from_millis(100);

/// How often it is looked whether attempts have ended.
const LOOK: Duration = Duration::from_millis(20);

/// One address.
#[derive(Debug)]
struct Backend {
    address: Address,
    is_ready: AtomicBool,
    /// How often it stopped being ready: connections from before are of no use.
    went: AtomicU64,
}

/// A connection's number, and how often whom it leads to had gone.
pub(crate) type ConnectionEpoch = (usize, u64);

/// Several addresses of one portal.
#[derive(Debug)]
pub(crate) struct LoadBalancer {
    backends: Vec<Backend>,
    next: AtomicUsize,
    attempts: AtomicUsize,
    /// When it was noted that a request was not served, and what was answered.
    failed: Mutex<Vec<(Instant, String)>>,
    /// When attempts began that have not ended, with numbers that tell them apart.
    in_hand: Mutex<BTreeSet<(Instant, usize)>>,
}

/// An attempt that is going on; it has ended when this is dropped.
pub(crate) struct Attempt<'a> {
    balance: &'a LoadBalancer,
    began: (Instant, usize),
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.balance.in_hand().remove(&self.began);
    }
}

impl LoadBalancer {
    /// All of them ready.
    pub(crate) fn new(addresses: Vec<Address>) -> LoadBalancer {
        let backends = addresses.into_iter().map(|address| Backend {
            address,
            is_ready: AtomicBool::new(true),
            went: AtomicU64::new(0),
        });
        let (next, attempts) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (failed, in_hand) = (Mutex::default(), Mutex::default());
        LoadBalancer { backends: backends.collect(), next, attempts, failed, in_hand }
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
    pub(crate) fn is_good(&self, (number, went): ConnectionEpoch) -> bool {
        self.backends.get(number).is_some_and(|backend| {
            backend.is_ready.load(Ordering::Relaxed) && backend.went.load(Ordering::Relaxed) == went
        })
    }

    /// Where the next connection goes: to one that is ready, if there is one.
    pub(crate) fn pick(&self) -> (ConnectionEpoch, &Address) {
        let (first, count) = (self.next.fetch_add(1, Ordering::Relaxed), self.backends.len());
        let is_ready = |number: &usize| self.backends[*number].is_ready.load(Ordering::Relaxed);
        let number = (first..first + count).map(|n| n % count).find(is_ready).unwrap_or(first % count);
        let backend = &self.backends[number];
        ((number, backend.went.load(Ordering::Relaxed)), &backend.address)
    }

    /// An attempt begins.
    pub(crate) fn attempt(&self) -> Attempt<'_> {
        let mut in_hand = self.in_hand();
        let began = (Instant::now(), self.attempts.fetch_add(1, Ordering::Relaxed));
        in_hand.insert(began);
        Attempt { balance: self, began }
    }

    /// Waits until every attempt that began before has ended, and what came of it is noted.
    pub(crate) async fn nothing_in_hand_from_before(&self, moment: Instant) {
        while self.in_hand().first().is_some_and(|(began, _)| *began < moment) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Notes what was not served, and waits; false if it was served, or if it is time to give up.
    pub(crate) async fn asks_again(
        &self,
        began: Instant,
        attempt: Attempt<'_>,
        status: u16,
        why: &str,
    ) -> bool {
        if !matches!(status, 0 | 429 | 500..) {
            return false;
        }
        self.failures().push((Instant::now(), format!("{status} {why}")));
        drop(attempt);
        if began.elapsed() > GIVES_UP {
            return false;
        }
        tokio::time::sleep(AGAIN).await;
        true
    }

    /// What was noted since then of requests that were not served, and how often.
    pub(crate) fn failed_since(&self, since: Instant) -> BTreeMap<String, u64> {
        let mut failed = BTreeMap::new();
        for (_, answer) in self.failures().iter().filter(|(noted, _)| *noted >= since) {
            *failed.entry(answer.clone()).or_default() += 1;
        }
        failed
    }

    // Nothing that panics is done while they are held.
    fn failures(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_hand(&self) -> MutexGuard<'_, BTreeSet<(Instant, usize)>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_new_goes_to_who_is_not_ready() {
        let balance = LoadBalancer::new(["a", "b"].map(|host| Address { host: host.to_owned() }).to_vec());
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
        let (balance, now) = (LoadBalancer::new(Vec::new()), Instant::now());
        for (status, again) in [(201, false), (409, false), (0, true), (503, true), (429, true)] {
            let attempt = balance.attempt();
            assert_eq!(balance.asks_again(now, attempt, status, "").await, again, "{status}");
        }
        let failed: Vec<_> = balance.failed_since(now).into_iter().collect();
        assert_eq!(failed, [("0 ", 1), ("429 ", 1), ("503 ", 1)].map(|(why, count)| (why.to_owned(), count)));
    }

    #[tokio::test]
    async fn an_attempt_is_in_hand_until_what_came_of_it_is_noted() {
        let balance = LoadBalancer::new(Vec::new());
        let attempt = balance.attempt();
        let after = Instant::now();
        let waits = balance.nothing_in_hand_from_before(after);
        assert!(tokio::time::timeout(Duration::from_millis(50), waits).await.is_err(), "it goes on");
        let later = balance.attempt();
        balance.asks_again(after, attempt, 0, "closed").await;
        balance.nothing_in_hand_from_before(after).await;
        assert_eq!(balance.failed_since(after).len(), 1);
        drop(later);
    }
}
