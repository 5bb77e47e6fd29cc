//! Bidders that use several ingress processes, which can be killed meanwhile. A request without a response is
//! repeated at the next ingress with the same idempotency key.

use super::DEADLINE;
use auction_domain::UserId;
use auction_testkit::random::Random;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Results of bids, as far as their bidders know them.
#[derive(Debug, Default)]
pub struct BidResults {
    /// Bids answered with 201.
    pub accepted: Vec<Uuid>,
    /// Bids answered with 202: stored, but not decided before the response.
    pub pending: Vec<Uuid>,
    /// Number of refused bids.
    pub refused: u64,
}

/// HTTP client for many bidders. Clones share its state.
#[derive(Clone)]
pub struct HttpBidders {
    client: Client,
    ingresses: Vec<String>,
    /// Amount of the next bid; slowly increasing.
    amount: Arc<AtomicU64>,
}

impl HttpBidders {
    pub fn new(ingresses: &[String]) -> HttpBidders {
        let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        HttpBidders { client, ingresses: ingresses.to_vec(), amount: Arc::new(AtomicU64::new(20_000)) }
    }

    /// Repeats a request until an ingress responds to it, and returns status and body. Responses with 503 do
    /// not count.
    pub async fn send(
        &self,
        user: Option<UserId>,
        method: Method,
        path: &str,
        body: Value,
        wait: u32,
    ) -> (u16, Value) {
        let key = format!("{}-{}", Uuid::new_v4(), Uuid::new_v4());
        let began = Instant::now();
        for ingress in self.ingresses.iter().cycle() {
            assert!(began.elapsed() < DEADLINE, "{method} {path}: no ingress responds");
            let mut request = self.client.request(method.clone(), format!("{ingress}{path}")).json(&body);
            if let Some(user) = user {
                request = request.header("x-user-id", user.to_string());
            }
            let request = request.header("idempotency-key", &key).header("prefer", format!("wait={wait}"));
            match request.send().await {
                Ok(response) if response.status().as_u16() != 503 => {
                    let status = response.status().as_u16();
                    if let Ok(body) = response.json().await {
                        return (status, body);
                    }
                }
                // The ingress was killed, is starting, or has no backend.
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        unreachable!("the list of ingresses is cycled forever")
    }

    /// Creates `count` users and returns their ids.
    pub async fn create_users(&self, count: usize) -> Vec<UserId> {
        let mut users = Vec::new();
        for _ in 0..count {
            let (status, body) = self.send(None, Method::POST, "/users", json!({}), 30).await;
            assert_eq!(status, 201, "{body}");
            users.push(UserId(body["user"].as_str().unwrap().parse().unwrap()));
        }
        users
    }

    /// Creates an auction and returns its id.
    pub async fn create_auction(&self, seller: UserId, auction: Value) -> String {
        let (status, body) = self.send(Some(seller), Method::POST, "/auctions", auction, 30).await;
        assert_eq!(status, 201, "{body}");
        body["auction"].as_str().unwrap().to_owned()
    }

    /// Starts a task per user that bids on these auctions until this time, and sometimes deletes a bid.
    pub fn bid(
        &self,
        users: &[UserId],
        auctions: &[String],
        until: Instant,
        seed: u64,
    ) -> JoinSet<BidResults> {
        let mut bidders = JoinSet::new();
        for (n, user) in users.iter().enumerate() {
            let (bidder, user, auctions) = (self.clone(), *user, auctions.to_vec());
            let random = Random::new(seed + n as u64);
            bidders.spawn(async move { bidder.bid_as(user, &auctions, until, random).await });
        }
        bidders
    }

    async fn bid_as(
        &self,
        user: UserId,
        auctions: &[String],
        until: Instant,
        mut random: Random,
    ) -> BidResults {
        let mut results = BidResults::default();
        while Instant::now() < until {
            let auction: &String = random.pick(auctions);
            let amount = self.amount.fetch_add(1 + random.below(20), Ordering::Relaxed) - random.below(200);
            let path = format!("/auction/{auction}/bid");
            let wait = random.below(2) as u32;
            let body = json!({"amount": amount});
            let (status, body) = self.send(Some(user), Method::PUT, &path, body, wait).await;
            let bid = || body["bid"].as_str().and_then(|bid| bid.parse().ok()).unwrap();
            match status {
                201 => results.accepted.push(bid()),
                202 => results.pending.push(bid()),
                403 | 404 | 409 => results.refused += 1,
                _ => panic!("{status} {body}"),
            }
            if status == 201 && random.chance(100) {
                let path = format!("{path}/{}", results.accepted[results.accepted.len() - 1]);
                let (status, body) = self.send(Some(user), Method::DELETE, &path, Value::Null, 1).await;
                assert!(matches!(status, 200 | 202 | 409), "{status} {body}");
            }
        }
        results
    }
}
