//! Whether a portal is well again: in every partition a new bid is taken, decided, and shown; every process says that it
//! is ready; notifications are made of all that is stored; auctions that are due are closed.

use crate::Failure;
use crate::faults::fleet::{Fleet, PARTITIONS};
use crate::faults::slot::{Slot, is_ready};
use crate::run::plan::{LONG, PlannedAuction};
use crate::run::target::client::{Answer, Client};
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

/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(50);

/// Who does not answer by then will not.
const SILENCE: Duration = Duration::from_secs(3);

/// Auctions are offered until each partition has one.
const OFFERS: usize = 64;

/// From when an auction is offered until it ends: until after the next fault, most of the time.
const ENDS_AFTER: Duration = Duration::from_secs(5);

/// One auction in each partition, and somebody who bids.
pub(crate) struct Probe {
    http: Http,
    bidder: Uuid,
    auctions: Vec<Uuid>,
    amount: AtomicU64,
    /// Auctions that end, and when.
    ending: Mutex<Vec<(Uuid, SystemTime)>>,
}

impl Probe {
    pub(crate) async fn set_up(http: &Http) -> Result<Probe, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now = Timestamp(i64::try_from(now.as_millis())?);
        let partitions = PartitionCount::new(PARTITIONS)?;
        // It outlives the longest run.
        let offers = vec![PlannedAuction { opening: 1, ends_after: 10 * LONG, promoted: false }; OFFERS];
        let world = http.set_up(1, &offers, now).await?;
        let mut found: BTreeMap<PartitionId, Uuid> = BTreeMap::new();
        for auction in &world.auctions {
            found.entry(partitions.of(*auction)).or_insert(*auction);
        }
        if found.len() < usize::from(PARTITIONS) {
            return Err(format!("{OFFERS} auctions are in {} partitions alone", found.len()).into());
        }
        let auctions = found.into_values().collect();
        let (bidder, amount, ending) = (world.users[0], AtomicU64::new(1), Mutex::default());
        Ok(Probe { http: http.clone(), bidder, auctions, amount, ending })
    }

    /// Waits until all is well, at most so long: how long it took, or what is not.
    pub(crate) async fn is_recovered(&self, fleet: &Fleet, within: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        let bids = self.auctions.iter().map(|auction| in_time("bids", within, self.bid(*auction)));
        let ready = fleet.slots.iter().map(|slot| in_time(&slot.name, within, ready(slot)));
        let told = in_time("notifications", within, told(&fleet.database_url));
        let closed = in_time("ends of auctions", within, self.close());
        let (bids, ready, told, closed) = tokio::join!(join_all(bids), join_all(ready), told, closed);
        let took = began.elapsed();
        let offered = in_time("offers", within, self.offer()).await;
        let all = bids.into_iter().chain(ready).chain([told, closed, offered]);
        let ill: Vec<&str> = all.filter_map(Result::err).collect();
        if ill.is_empty() { Ok(took) } else { Err(ill.join(", ")) }
    }

    /// Offers an auction that ends soon.
    async fn offer(&self) {
        loop {
            let ends = SystemTime::now() + ENDS_AFTER;
            let since = ends.duration_since(UNIX_EPOCH).unwrap_or_default();
            let at = JsonTime(Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
            let body = serde_json::json!({"title": "Ends soon", "currency": "USD", "opening_bid": 1,
                "ends_at": at, "promoted": false});
            let body = body.to_string();
            let offer = format!(
                "POST /auctions HTTP/1.1\r\nHost: probe\r\nX-User-Id: {}\r\nX-User-Role: seller\r\nPrefer: wait=2\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                self.bidder,
                body.len()
            );
            if let Some((201, told)) = self.ask(&offer).await
                && let Ok(auction) = serde_json::from_value(told["auction"].clone())
            {
                return self.ending().push((auction, ends));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Waits until the auctions whose end has come are closed.
    async fn close(&self) {
        let now = SystemTime::now();
        let due: Vec<_> = self.ending().extract_if(.., |(_, ends)| *ends <= now).collect();
        for (auction, _) in due {
            let look = format!("GET /auction/{auction}?consistency=latest HTTP/1.1\r\nHost: probe\r\n\r\n");
            while self.ask(&look).await.is_none_or(|(_, told)| told["status"] != "closed") {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    fn ending(&self) -> MutexGuard<'_, Vec<(Uuid, SystemTime)>> {
        // Nothing that panics is done while it is held.
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bids until the bid is accepted, and looks until it is shown.
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
        // Lists are read from views alone; how an auction stands is told from the store while Redis is away.
        let look =
            format!("GET /auction/{auction}/bids?limit=1&consistency=latest HTTP/1.1\r\nHost: probe\r\n\r\n");
        let (mut accepted, mut shown) = (None, false);
        while !shown {
            match &accepted {
                None => {
                    let told = self.ask(&bid).await.filter(|(status, _)| matches!(status, 200 | 201));
                    accepted = told.map(|(_, told)| told["bid"].clone());
                }
                Some(bid) => {
                    let told = self.ask(&look).await.filter(|(status, _)| *status == 200);
                    shown = told.is_some_and(|(_, told)| told["bids"][0]["id"] == *bid);
                }
            }
            if !shown {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn ask(&self, request: &str) -> Option<(u16, Value)> {
        let one = ((0, 0), &self.http.address);
        let (_, address) = self.http.balance.as_deref().map_or(one, LoadBalancer::pick);
        let asked = tokio::time::timeout(SILENCE, async {
            let mut client = Client::connect(address).await.ok()?;
            let Answer { status, body } = client.ask(request.as_bytes()).await.ok()?;
            Some((status, serde_json::from_slice(body).ok()?))
        });
        asked.await.ok()?
    }
}

async fn in_time(name: &str, within: Duration, well: impl Future<Output = ()>) -> Result<(), &str> {
    tokio::time::timeout(within, well).await.map_err(|_| name)
}

async fn ready(slot: &Slot) {
    while !is_ready(slot.admin).await {
        tokio::time::sleep(AGAIN).await;
    }
}

/// Waits until notifications are made of everything that was stored when it was first looked.
async fn told(database_url: &str) {
    let mut heads = None;
    while !matches!(tokio::time::timeout(SILENCE, are_told(database_url, &mut heads)).await, Ok(Ok(true))) {
        tokio::time::sleep(AGAIN).await;
    }
}

async fn are_told(database_url: &str, heads: &mut Option<BTreeMap<i16, i64>>) -> Result<bool, Failure> {
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    let positions = async |query: &str| -> Result<BTreeMap<i16, i64>, Failure> {
        Ok(client.query(query, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
    };
    if heads.is_none() {
        *heads = Some(positions("SELECT id, head FROM partitions WHERE head > 0").await?);
    }
    let told = positions("SELECT partition, position FROM notifier_checkpoints").await?;
    Ok(heads.iter().flatten().all(|(partition, head)| told.get(partition) >= Some(head)))
}
