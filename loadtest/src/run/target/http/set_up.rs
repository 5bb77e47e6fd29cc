//! Creates the users and auctions of a load by HTTP.

use super::{CommandReply, Http, finish};
use crate::Failure;
use crate::run::ids::RunIds;
use crate::run::plan::PlannedAuction;
use crate::run::target::client::{Client, Response};
use auction_domain::Timestamp;
use auction_wire::time::JsonTime;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Number of concurrent creation requests.
const MAX_CONCURRENT: usize = 32;

impl Http {
    /// Creates the users, a seller, and the auctions of the seller.
    pub(crate) async fn set_up(
        &self,
        users: u32,
        planned_auctions: &[PlannedAuction],
        start: Timestamp,
    ) -> Result<RunIds, Failure> {
        // One user more than planned is the seller, because sellers may not bid on their own auctions.
        let requests = (0..=users).map(|_| {
            let mut out = Vec::new();
            self.begin(&mut out, format_args!("POST /users"));
            put!(out, "Prefer: wait=30\r\n");
            finish(&mut out, b"{}");
            out
        });
        let mut users = self.create(requests.collect(), |reply| reply.user).await?;
        let seller = users.pop().ok_or("no user was created")?;
        let requests = planned_auctions.iter().enumerate().map(|(n, planned)| {
            let ends_at =
                JsonTime(Timestamp(start.0 + i64::try_from(planned.ends_after).unwrap_or(i64::MAX)));
            let body = serde_json::json!({"title": format!("Lot {n}"), "currency": "USD",
                "opening_bid": planned.opening, "ends_at": ends_at, "promoted": planned.promoted});
            let mut out = Vec::new();
            self.begin(&mut out, format_args!("POST /auctions"));
            put!(out, "X-User-Id: {seller}\r\nX-User-Role: seller\r\nPrefer: wait=30\r\n");
            finish(&mut out, body.to_string().as_bytes());
            out
        });
        let auctions = self.create(requests.collect(), |reply| reply.auction).await?;
        Ok(RunIds { users, auctions, began: start })
    }

    /// Sends the requests concurrently and returns the created ids in request order.
    async fn create(
        &self,
        requests: Vec<Vec<u8>>,
        id: fn(&CommandReply<'_>) -> Option<Uuid>,
    ) -> Result<Vec<Uuid>, Failure> {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let mut workers = JoinSet::new();
        for _ in 0..MAX_CONCURRENT.min(requests.len()) {
            let (http, requests, next) = (self.clone(), Arc::clone(&requests), Arc::clone(&next));
            workers.spawn(async move {
                let (mut client, mut created) = (Client::connect(&http.address).await?, Vec::new());
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(n) else { return Ok::<_, Failure>(created) };
                    let response = client.send(request).await?;
                    let reply: Option<CommandReply<'_>> = serde_json::from_slice(response.body).ok();
                    match reply.as_ref().filter(|_| response.status == 201).and_then(id) {
                        Some(id) => created.push((n, id)),
                        None => return Err(cannot_create(&response).into()),
                    }
                }
            });
        }
        let mut created = Vec::with_capacity(requests.len());
        while let Some(ended) = workers.join_next().await {
            created.extend(ended??);
        }
        created.sort_unstable();
        Ok(created.into_iter().map(|(_, id)| id).collect())
    }
}

fn cannot_create(response: &Response<'_>) -> String {
    let hint = match response.status {
        401 | 403 => {
            "; use --api-key with a key of the role seller (portal api-keys create load --role seller), or enable \
             ingress.trust_gateway_user_header"
        }
        429 => {
            "; disable the rate limits of the portal (rate_limits.enabled), or raise --per-second of the API key"
        }
        _ => "",
    };
    format!(
        "cannot create users and auctions: {} {}{hint}",
        response.status,
        String::from_utf8_lossy(response.body)
    )
}
