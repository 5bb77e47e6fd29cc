//! Checks whether a portal has recovered: in every partition a new bid is accepted, decided and visible;
//! every process is ready; the notifier has handled all events; auctions that are due are closed.

use crate::Failure;
use crate::faults::fleet::{Fleet, PARTITIONS};
use crate::faults::readiness::is_ready;
use crate::faults::slot::Slot;
use crate::run::plan::{LASTING_MS, PlannedAuction};
use crate::run::target::client::{Client, Response};
use crate::run::target::http::Http;
use crate::run::target::load_balancer::LoadBalancer;
use auction_domain::Timestamp;
use auction_wire::time::JsonTime;
use auction_wire::{PartitionCount, PartitionId};
use futures_util::future::join_all;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio_postgres::NoTls;
use uuid::Uuid;

const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Time limit for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Number of auctions created to have one in each partition.
const CANDIDATES: usize = 64;

/// Time from the creation of an auction to its end: usually until after the next fault.
const ENDS_AFTER: Duration = Duration::from_secs(5);

/// One auction in each partition, and a bidder.
pub(crate) struct Probe {
    http: Http,
    bidder: Uuid,
    auctions: Vec<Uuid>,
    amount: AtomicU64,
    /// Auctions that end soon, and their end times.
    ending: Mutex<Vec<(Uuid, SystemTime)>>,
}

impl Probe {
    pub(crate) async fn set_up(http: &Http) -> Result<Probe, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now = Timestamp(i64::try_from(now.as_millis())?);
        let partitions = PartitionCount::new(PARTITIONS)?;
        // The auctions outlive the longest run.
        let planned_auctions =
            vec![PlannedAuction { opening: 1, ends_after: 10 * LASTING_MS, promoted: false }; CANDIDATES];
        let run_ids = http.set_up(1, &planned_auctions, now).await?;
        let mut found: BTreeMap<PartitionId, Uuid> = BTreeMap::new();
        for auction in &run_ids.auctions {
            found.entry(partitions.of(*auction)).or_insert(*auction);
        }
        if found.len() < usize::from(PARTITIONS) {
            return Err(
                format!("the {CANDIDATES} candidate auctions cover only {} partitions", found.len()).into()
            );
        }
        let auctions = found.into_values().collect();
        let (bidder, amount, ending) = (run_ids.users[0], AtomicU64::new(1), Mutex::default());
        Ok(Probe { http: http.clone(), bidder, auctions, amount, ending })
    }

    /// Waits until the portal has recovered. Returns the time it took, or the names of the conditions that
    /// were not met within the time limit.
    pub(crate) async fn wait_until_recovered(
        &self,
        fleet: &Fleet,
        within: Duration,
    ) -> Result<Duration, String> {
        let began = Instant::now();
        let bids = self.auctions.iter().map(|auction| in_time("bids", within, self.bid(*auction)));
        let ready = fleet.slots.iter().map(|slot| in_time(&slot.name, within, wait_until_ready(slot)));
        let notified = in_time("notifications", within, wait_until_notified(&fleet.database_url));
        let closed = in_time("closing of auctions", within, self.close());
        let (bids, ready, notified, closed) = tokio::join!(join_all(bids), join_all(ready), notified, closed);
        let took = began.elapsed();
        let ending_auction = in_time("auction creation", within, self.create_ending_auction()).await;
        let all = bids.into_iter().chain(ready).chain([notified, closed, ending_auction]);
        let not_recovered: Vec<&str> = all.filter_map(Result::err).collect();
        if not_recovered.is_empty() { Ok(took) } else { Err(not_recovered.join(", ")) }
    }

    /// Creates an auction that ends soon.
    async fn create_ending_auction(&self) {
        loop {
            let ends = SystemTime::now() + ENDS_AFTER;
            let since = ends.duration_since(UNIX_EPOCH).unwrap_or_default();
            let at = JsonTime(Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
            let body = serde_json::json!({"title": "Ends soon", "currency": "USD", "opening_bid": 1,
                "ends_at": at, "promoted": false});
            let body = body.to_string();
            let request = format!(
                "POST /auctions HTTP/1.1\r\nHost: probe\r\nX-User-Id: {}\r\nX-User-Role: seller\r\nPrefer: wait=2\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                self.bidder,
                body.len()
            );
            if let Some((201, reply)) = self.send(&request).await
                && let Ok(auction) = serde_json::from_value(reply["auction"].clone())
            {
                return self.ending().push((auction, ends));
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    /// Waits until the auctions that are due are closed.
    async fn close(&self) {
        let now = SystemTime::now();
        let due: Vec<_> = self.ending().extract_if(.., |(_, ends)| *ends <= now).collect();
        for (auction, _) in due {
            let request =
                format!("GET /auction/{auction}?consistency=latest HTTP/1.1\r\nHost: probe\r\n\r\n");
            while self.send(&request).await.is_none_or(|(_, reply)| reply["status"] != "closed") {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    }

    fn ending(&self) -> MutexGuard<'_, Vec<(Uuid, SystemTime)>> {
        // The lock is never poisoned: no code that can panic runs under it.
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Retries a bid until it is accepted, then reads until it is visible.
    async fn bid(&self, auction: Uuid) {
        let amount = self.amount.fetch_add(1, Ordering::Relaxed);
        let key = Uuid::now_v7();
        let body = format!("{{\"amount\":{amount}}}");
        let bid = format!(
            "PUT /auction/{auction}/bid HTTP/1.1\r\nHost: probe\r\nX-User-Id: {}\r\nIdempotency-Key: {key}\r\n\
             Prefer: wait=1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.bidder,
            body.len()
        );
        // The list of bids is served from read models only; a single auction would be served from Postgres
        // while Redis is unavailable.
        let request =
            format!("GET /auction/{auction}/bids?limit=1&consistency=latest HTTP/1.1\r\nHost: probe\r\n\r\n");
        let (mut accepted, mut visible) = (None, false);
        while !visible {
            match &accepted {
                None => {
                    let reply = self.send(&bid).await.filter(|(status, _)| matches!(status, 200 | 201));
                    accepted = reply.map(|(_, reply)| reply["bid"].clone());
                }
                Some(bid) => {
                    let reply = self.send(&request).await.filter(|(status, _)| *status == 200);
                    visible = reply.is_some_and(|(_, reply)| reply["bids"][0]["id"] == *bid);
                }
            }
            if !visible {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    }

    async fn send(&self, request: &str) -> Option<(u16, Value)> {
        let one = ((0, 0), &self.http.address);
        let (_, address) = self.http.load_balancer.as_deref().map_or(one, LoadBalancer::pick);
        let response = tokio::time::timeout(RESPONSE_TIMEOUT, async {
            let mut client = Client::connect(address).await.ok()?;
            let Response { status, body } = client.send(request.as_bytes()).await.ok()?;
            Some((status, serde_json::from_slice(body).ok()?))
        });
        response.await.ok()?
    }
}

async fn in_time(name: &str, within: Duration, condition: impl Future<Output = ()>) -> Result<(), &str> {
    tokio::time::timeout(within, condition).await.map_err(|_| name)
}

async fn wait_until_ready(slot: &Slot) {
    while !is_ready(slot.admin).await {
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Waits until the notifier has handled all events stored at the first read of the heads.
async fn wait_until_notified(database_url: &str) {
    let mut heads = None;
    while !matches!(
        tokio::time::timeout(RESPONSE_TIMEOUT, are_notified(database_url, &mut heads)).await,
        Ok(Ok(true))
    ) {
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

async fn are_notified(database_url: &str, heads: &mut Option<BTreeMap<i16, i64>>) -> Result<bool, Failure> {
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    let positions = async |query: &str| -> Result<BTreeMap<i16, i64>, Failure> {
        Ok(client.query(query, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
    };
    if heads.is_none() {
        *heads = Some(positions("SELECT id, head FROM partitions WHERE head > 0").await?);
    }
    let positions_handled = positions("SELECT partition, position FROM notifier_checkpoints").await?;
    let all_handled =
        heads.iter().flatten().all(|(partition, head)| positions_handled.get(partition) >= Some(head));
    let outgoing = client.query("SELECT FROM outgoing_notifications LIMIT 1", &[]).await?;
    Ok(all_handled && outgoing.is_empty())
}
