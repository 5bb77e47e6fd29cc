//! Whether a portal is well again: in every partition a new bid is taken, decided, and shown.

use crate::Failure;
use crate::faults::fleet::PARTITIONS;
use crate::run::plan::{LONG, Offer};
use crate::run::target::balance::Balance;
use crate::run::target::client::{Answer, Client};
use crate::run::target::http::Http;
use auction_domain::Timestamp;
use auction_wire::{PartitionCount, PartitionId};
use futures_util::future::join_all;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(50);

/// Who does not answer by then will not.
const SILENCE: Duration = Duration::from_secs(3);

/// Auctions are offered until each partition has one.
const OFFERS: usize = 64;

/// One auction in each partition, and somebody who bids.
pub(crate) struct Probe {
    http: Http,
    bidder: Uuid,
    auctions: Vec<Uuid>,
    amount: AtomicU64,
}

impl Probe {
    pub(crate) async fn set_up(http: &Http) -> Result<Probe, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now = Timestamp(i64::try_from(now.as_millis())?);
        let partitions = PartitionCount::new(PARTITIONS)?;
        // It outlives the longest run.
        let offers = vec![Offer { opening: 1, ends_after: 10 * LONG }; OFFERS];
        let world = http.set_up(1, &offers, now).await?;
        let mut found: BTreeMap<PartitionId, Uuid> = BTreeMap::new();
        for auction in &world.auctions {
            found.entry(partitions.of(*auction)).or_insert(*auction);
        }
        if found.len() < usize::from(PARTITIONS) {
            return Err(format!("{OFFERS} auctions are in {} partitions alone", found.len()).into());
        }
        let auctions = found.into_values().collect();
        Ok(Probe { http: http.clone(), bidder: world.users[0], auctions, amount: AtomicU64::new(1) })
    }

    /// Waits until all is well, at most so long: how long it took, or in how many partitions all is not.
    pub(crate) async fn well(&self, within: Duration) -> Result<Duration, usize> {
        let began = Instant::now();
        let partitions = self.auctions.iter().map(|auction| tokio::time::timeout(within, self.bid(*auction)));
        match join_all(partitions).await.iter().filter(|well| well.is_err()).count() {
            0 => Ok(began.elapsed()),
            ill => Err(ill),
        }
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
        let (_, address) = self.http.balance.as_deref().map_or(one, Balance::pick);
        let asked = tokio::time::timeout(SILENCE, async {
            let mut client = Client::connect(address).await.ok()?;
            let Answer { status, body } = client.ask(request.as_bytes()).await.ok()?;
            Some((status, serde_json::from_slice(body).ok()?))
        });
        asked.await.ok()?
    }
}
