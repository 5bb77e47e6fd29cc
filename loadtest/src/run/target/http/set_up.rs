//! Users and auctions for a load.

use super::{Http, Told, finish};
use crate::Failure;
use crate::run::ids::RunIds;
use crate::run::plan::PlannedAuction;
use crate::run::target::client::{Answer, Client};
use auction_domain::Timestamp;
use auction_wire::time::JsonTime;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;
use uuid::Uuid;

/// So many users and auctions are created at a time.
const SETTING_UP: usize = 32;

impl Http {
    /// Creates users, a seller, and what he offers.
    pub(crate) async fn set_up(
        &self,
        users: u32,
        offers: &[PlannedAuction],
        start: Timestamp,
    ) -> Result<RunIds, Failure> {
        // The last one sells: a seller may not bid.
        let requests = (0..=users).map(|_| {
            let mut out = Vec::new();
            self.begin(&mut out, format_args!("POST /users"));
            put!(out, "Prefer: wait=30\r\n");
            finish(&mut out, b"{}");
            out
        });
        let mut users = self.create(requests.collect(), |told| told.user).await?;
        let seller = users.pop().ok_or("no user was created")?;
        let requests = offers.iter().enumerate().map(|(n, offer)| {
            let ends_at = JsonTime(Timestamp(start.0 + i64::try_from(offer.ends_after).unwrap_or(i64::MAX)));
            let body = serde_json::json!({"title": format!("Lot {n}"), "currency": "USD",
                "opening_bid": offer.opening, "ends_at": ends_at, "promoted": offer.promoted});
            let mut out = Vec::new();
            self.begin(&mut out, format_args!("POST /auctions"));
            put!(out, "X-User-Id: {seller}\r\nX-User-Role: seller\r\nPrefer: wait=30\r\n");
            finish(&mut out, body.to_string().as_bytes());
            out
        });
        let auctions = self.create(requests.collect(), |told| told.auction).await?;
        Ok(RunIds { users, auctions, began: start })
    }

    /// The ids of what is created, in order.
    async fn create(
        &self,
        requests: Vec<Vec<u8>>,
        id: fn(&Told<'_>) -> Option<Uuid>,
    ) -> Result<Vec<Uuid>, Failure> {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let mut workers = JoinSet::new();
        for _ in 0..SETTING_UP.min(requests.len()) {
            let (http, requests, next) = (self.clone(), Arc::clone(&requests), Arc::clone(&next));
            workers.spawn(async move {
                let (mut client, mut made) = (Client::connect(&http.address).await?, Vec::new());
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(n) else { return Ok::<_, Failure>(made) };
                    let answer = client.ask(request).await?;
                    let told: Option<Told<'_>> = serde_json::from_slice(answer.body).ok();
                    match told.as_ref().filter(|_| answer.status == 201).and_then(id) {
                        Some(id) => made.push((n, id)),
                        None => return Err(cannot_create(&answer).into()),
                    }
                }
            });
        }
        let mut made = Vec::with_capacity(requests.len());
        while let Some(ended) = workers.join_next().await {
            made.extend(ended??);
        }
        made.sort_unstable();
        Ok(made.into_iter().map(|(_, id)| id).collect())
    }
}

fn cannot_create(answer: &Answer<'_>) -> String {
    let hint = match answer.status {
        401 | 403 => {
            "; users and auctions are created as by a gateway that is believed, or with --service-key of the role \
             seller (portal service-keys create load --role seller)"
        }
        429 => {
            "; the portal counts how often its callers call (limits.on, or --per-second of the service key)"
        }
        _ => "",
    };
    format!(
        "the portal does not create what is needed: {} {}{hint}",
        answer.status,
        String::from_utf8_lossy(answer.body)
    )
}
