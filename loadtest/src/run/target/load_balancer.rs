//! Client-side load balancer. It opens connections to ready ingresses only; clients retry unserved requests
//! with the same idempotency key.

use crate::run::target::client::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a client retries a request.
const RETRY_TIMEOUT: Duration = Duration::from_secs(90);

/// Interval between two attempts of a client.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Interval at which running attempts are polled.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Backend {
    address: Address,
    is_ready: AtomicBool,
    /// Number of times it stopped being ready; connections opened before are not used again.
    times_unready: AtomicU64,
}

/// Index of an ingress, and how often it had stopped being ready when the connection was opened.
pub(crate) type ConnectionEpoch = (usize, u64);

/// Load balancer over the ingresses of one portal.
#[derive(Debug)]
pub(crate) struct LoadBalancer {
    backends: Vec<Backend>,
    next: AtomicUsize,
    attempts: AtomicUsize,
    /// Unserved attempts: when each was recorded, and the response.
    failed: Mutex<Vec<(Instant, String)>>,
    /// Start times of running attempts, with a number that makes each unique.
    in_flight: Mutex<BTreeSet<(Instant, usize)>>,
}

/// A running attempt; ends when dropped.
pub(crate) struct Attempt<'a> {
    load_balancer: &'a LoadBalancer,
    started: (Instant, usize),
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.load_balancer.in_flight().remove(&self.started);
    }
}

impl LoadBalancer {
    /// Creates a load balancer with all addresses ready.
    pub(crate) fn new(addresses: Vec<Address>) -> LoadBalancer {
        let backends = addresses.into_iter().map(|address| Backend {
            address,
            is_ready: AtomicBool::new(true),
            times_unready: AtomicU64::new(0),
        });
        let (next, attempts) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (failed, in_flight) = (Mutex::default(), Mutex::default());
        LoadBalancer { backends: backends.collect(), next, attempts, failed, in_flight }
    }

    /// Sets whether an ingress is ready.
    pub(crate) fn set_ready(&self, number: usize, ready: bool) {
        let Some(backend) = self.backends.get(number) else { return };
        if backend.is_ready.swap(ready, Ordering::Relaxed) && !ready {
            backend.times_unready.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the ingress at this address is ready.
    pub(crate) fn is_ready(&self, host: &str) -> bool {
        let found = self.backends.iter().find(|backend| backend.address.host == host);
        found.is_some_and(|backend| backend.is_ready.load(Ordering::Relaxed))
    }

    /// Addresses of the ready ingresses.
    fn ready_hosts(&self) -> Vec<&str> {
        let ready = self.backends.iter().filter(|backend| backend.is_ready.load(Ordering::Relaxed));
        ready.map(|backend| backend.address.host.as_str()).collect()
    }

    /// Whether the ingress of a connection has been ready since the connection was opened.
    pub(crate) fn is_usable(&self, (number, times_unready): ConnectionEpoch) -> bool {
        self.backends.get(number).is_some_and(|backend| {
            backend.is_ready.load(Ordering::Relaxed)
                && backend.times_unready.load(Ordering::Relaxed) == times_unready
        })
    }

    /// Selects the ingress of the next connection: a ready one if possible.
    pub(crate) fn pick(&self) -> (ConnectionEpoch, &Address) {
        let (first, count) = (self.next.fetch_add(1, Ordering::Relaxed), self.backends.len());
        let is_ready = |number: &usize| self.backends[*number].is_ready.load(Ordering::Relaxed);
        let number = (first..first + count).map(|n| n % count).find(is_ready).unwrap_or(first % count);
        let backend = &self.backends[number];
        ((number, backend.times_unready.load(Ordering::Relaxed)), &backend.address)
    }

    pub(crate) fn attempt(&self) -> Attempt<'_> {
        let mut in_flight = self.in_flight();
        let started = (Instant::now(), self.attempts.fetch_add(1, Ordering::Relaxed));
        in_flight.insert(started);
        Attempt { load_balancer: self, started }
    }

    /// Waits until every attempt started before `moment` has ended and its result is recorded.
    pub(crate) async fn wait_for_attempts_before(&self, moment: Instant) {
        while self.in_flight().first().is_some_and(|(started, _)| *started < moment) {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Records an unserved attempt (no response, 429 or 5xx) and waits before the retry. Returns false if the
    /// request was served or its retry time is over.
    pub(crate) async fn retry_unserved(
        &self,
        started: Instant,
        attempt: Attempt<'_>,
        status: u16,
        error: &str,
    ) -> bool {
        if !matches!(status, 0 | 429 | 500..) {
            return false;
        }
        let ready = self.ready_hosts();
        self.failures().push((Instant::now(), format!("{status} {error}; ready: {ready:?}")));
        drop(attempt);
        if started.elapsed() > RETRY_TIMEOUT {
            return false;
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
        true
    }

    /// Returns the unserved attempts recorded since a moment, counted by response.
    pub(crate) fn failed_since(&self, since: Instant) -> BTreeMap<String, u64> {
        let mut failed = BTreeMap::new();
        for (_, response) in self.failures().iter().filter(|(noted, _)| *noted >= since) {
            *failed.entry(response.clone()).or_default() += 1;
        }
        failed
    }

    // The locks are never poisoned: no code that can panic runs under them.
    fn failures(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_flight(&self) -> MutexGuard<'_, BTreeSet<(Instant, usize)>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_balancer_picks_ready_ingresses_only() {
        let load_balancer =
            LoadBalancer::new(["a", "b"].map(|host| Address { host: host.to_owned() }).to_vec());
        let picks = || (0..4).map(|_| load_balancer.pick().1.host.as_str()).collect::<String>();
        assert_eq!(picks(), "abab");
        load_balancer.set_ready(0, false);
        assert_eq!(picks(), "bbbb");
        load_balancer.set_ready(1, false);
        assert_eq!(picks().len(), 4, "without a ready ingress any is picked");
        load_balancer.set_ready(0, true);
        assert!(
            load_balancer.is_usable((0, 1)) && !load_balancer.is_usable((0, 0)),
            "old connections are unusable after a restart"
        );
    }

    #[tokio::test]
    async fn load_balancer_retries_and_counts_unserved_requests() {
        let (load_balancer, now) = (LoadBalancer::new(Vec::new()), Instant::now());
        for (status, is_retried) in [(201, false), (409, false), (0, true), (503, true), (429, true)] {
            let attempt = load_balancer.attempt();
            assert_eq!(load_balancer.retry_unserved(now, attempt, status, "").await, is_retried, "{status}");
        }
        let failed: Vec<_> = load_balancer.failed_since(now).into_iter().collect();
        assert_eq!(
            failed,
            [("0 ; ready: []", 1), ("429 ; ready: []", 1), ("503 ; ready: []", 1)]
                .map(|(error, count)| (error.to_owned(), count))
        );
    }

    #[tokio::test]
    async fn attempt_is_in_flight_until_its_result_is_recorded() {
        let load_balancer = LoadBalancer::new(Vec::new());
        let attempt = load_balancer.attempt();
        let after = Instant::now();
        let waits = load_balancer.wait_for_attempts_before(after);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), waits).await.is_err(),
            "the attempt has not ended"
        );
        let later = load_balancer.attempt();
        load_balancer.retry_unserved(after, attempt, 0, "closed").await;
        load_balancer.wait_for_attempts_before(after).await;
        assert_eq!(load_balancer.failed_since(after).len(), 1);
        drop(later);
    }
}
