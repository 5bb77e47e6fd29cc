//! People at several ingresses that are killed now and then. Whoever gets no answer asks again, at whichever
//! ingress, with the same idempotency key.

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

/// What some bids came to, as far as the bidders were told.
#[derive(Debug, Default)]
pub struct SseEvents {
    /// The bids that were accepted.
    pub accepted: Vec<Uuid>,
    /// The bids that are on disk, and not decided when the answer was given.
    pub taken: Vec<Uuid>,
    /// How many were refused.
    pub refused: u64,
}

/// They all know the same ingresses.
#[derive(Clone)]
pub struct SubscriberPool {
    client: Client,
    ingresses: Vec<String>,
    /// Amounts go up slowly.
    amount: Arc<AtomicU64>,
}

impl SubscriberPool {
    pub fn new(ingresses: &[String]) -> SubscriberPool {
        let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        SubscriberPool { client, ingresses: ingresses.to_vec(), amount: Arc::new(AtomicU64::new(20_000)) }
    }

    /// Asks until somebody answers and can be answered: status and body.
    pub async fn ask(
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
            assert!(began.elapsed() < DEADLINE, "{method} {path}: nobody answers");
            let mut request = self.client.request(method.clone(), format!("{ingress}{path}")).json(&body);
            if let Some(user) = user {
                request = request.header("x-user-id", user.to_string());
            }
            let request = request.header("idempotency-key", &key).header("prefer", format!("wait={wait}"));
            match request.send().await {
                Ok(answer) if answer.status().as_u16() != 503 => {
                    let status = answer.status().as_u16();
                    if let Ok(body) = answer.json().await {
                        return (status, body);
                    }
                }
                // Killed, not there yet, or without its server.
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        unreachable!("a cycle of ingresses has no end")
    }

    /// So many new users.
    pub async fn sign_up(&self, count: usize) -> Vec<UserId> {
        let mut users = Vec::new();
        for _ in 0..count {
            let (status, body) = self.ask(None, Method::POST, "/users", json!({}), 30).await;
            assert_eq!(status, 201, "{body}");
            users.push(UserId(body["user"].as_str().unwrap().parse().unwrap()));
        }
        users
    }

    /// Something new on offer.
    pub async fn offer(&self, seller: UserId, offer: Value) -> String {
        let (status, body) = self.ask(Some(seller), Method::POST, "/auctions", offer, 30).await;
        assert_eq!(status, 201, "{body}");
        body["auction"].as_str().unwrap().to_owned()
    }

    /// Each user bids on these auctions until that time, and now and then takes a bid back.
    pub fn bid(
        &self,
        users: &[UserId],
        auctions: &[String],
        until: Instant,
        seed: u64,
    ) -> JoinSet<SseEvents> {
        let mut bidders = JoinSet::new();
        for (n, user) in users.iter().enumerate() {
            let (crowd, user, auctions) = (self.clone(), *user, auctions.to_vec());
            let random = Random::new(seed + n as u64);
            bidders.spawn(async move { crowd.bid_as(user, &auctions, until, random).await });
        }
        bidders
    }

    async fn bid_as(
        &self,
        user: UserId,
        auctions: &[String],
        until: Instant,
        mut random: Random,
    ) -> SseEvents {
        let mut told = SseEvents::default();
        while Instant::now() < until {
            let auction: &String = random.pick(auctions);
            let amount = self.amount.fetch_add(1 + random.below(20), Ordering::Relaxed) - random.below(200);
            let path = format!("/auction/{auction}/bid");
            let wait = random.below(2) as u32;
            let body = json!({"amount": amount});
            let (status, body) = self.ask(Some(user), Method::PUT, &path, body, wait).await;
            let bid = || body["bid"].as_str().and_then(|bid| bid.parse().ok()).unwrap();
            match status {
                201 => told.accepted.push(bid()),
                202 => told.taken.push(bid()),
                403 | 404 | 409 => told.refused += 1,
                _ => panic!("{status} {body}"),
            }
            if status == 201 && random.chance(100) {
                let path = format!("{path}/{}", told.accepted[told.accepted.len() - 1]);
                let (status, body) = self.ask(Some(user), Method::DELETE, &path, Value::Null, 1).await;
                assert!(matches!(status, 200 | 202 | 409), "{status} {body}");
            }
        }
        told
    }
}
