//! Load on the REST API of the ingress.

use super::{RequestResult, Sender};
use crate::Failure;
use crate::run::history::OperationLog;
use crate::run::ids::{RunIds, key_of_bid, key_of_deletion};
use crate::run::mix::Operation;
use crate::run::plan::{PlannedAuction, PlannedRequest};
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use crate::run::target::client::{Address, Client, Response};
use crate::run::target::load_balancer::{ConnectionEpoch, LoadBalancer};
use auction_domain::Timestamp;
use auction_wire::time::JsonTime;
use futures_util::future::try_join_all;
use serde::Deserialize;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long clients wait for an outcome (`Prefer: wait`), in seconds.
const WAIT_SECONDS: u32 = 30;

/// The same with a load balancer, under faults; then 202 is an acceptable response.
const SHORT_WAIT_SECONDS: u32 = 5;

/// With a load balancer, a connection without a response for this long is closed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of concurrent requests that create users or auctions.
const MAX_CONCURRENT_CREATIONS: usize = 32;

/// Client configuration for a portal.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) address: Address,
    /// A token or API key; none if the portal trusts `X-User-Id`.
    pub(crate) token: Option<Arc<str>>,
    /// Selects the ingress of each connection and retries unserved requests; none without faults.
    pub(crate) load_balancer: Option<Arc<LoadBalancer>>,
}

/// Fields of a response to a command.
#[derive(Deserialize)]
struct CommandReply {
    code: Option<String>,
    command: Option<String>,
    bid: Option<Uuid>,
    user: Option<Uuid>,
    auction: Option<Uuid>,
    version: Option<u64>,
}

impl Http {
    /// Encodes a request. `headers` are complete lines.
    pub(crate) fn request(&self, line: &str, headers: &str, body: Option<&str>) -> Vec<u8> {
        let mut text = format!("{line} HTTP/1.1\r\nHost: {}\r\n{headers}", self.address.host);
        // Writing to a string cannot fail.
        if let Some(token) = &self.token {
            let _ = write!(text, "Authorization: Bearer {token}\r\n");
        }
        let _ = match body {
            Some(body) => {
                write!(text, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            None => write!(text, "\r\n"),
        };
        text.into_bytes()
    }

    /// Encodes a planned request.
    pub(crate) fn encode(&self, run_ids: &RunIds, request: &PlannedRequest) -> Vec<u8> {
        let PlannedRequest { operation, key, amount, .. } = *request;
        let (user, auction) = (run_ids.user(request), run_ids.auction(request));
        let line = match operation {
            Operation::ReadAuction => format!("GET /auction/{auction}"),
            Operation::ReadBids => format!("GET /auction/{auction}/bids?limit=20"),
            Operation::ReadList => "GET /auctions?limit=20".to_owned(),
            Operation::SignUp => "POST /sign-up".to_owned(),
            Operation::UserDelete => format!("DELETE /user/{user}"),
            Operation::BidDelete => {
                let bid = run_ids.bid_with_key(request).unwrap_or_default();
                format!("DELETE /auction/{auction}/bid/{bid}")
            }
            _ => format!("PUT /auction/{auction}/bid"),
        };
        let wait = if self.load_balancer.is_some() { SHORT_WAIT_SECONDS } else { WAIT_SECONDS };
        let mut headers = match operation {
            Operation::SignUp => format!("Prefer: wait={wait}\r\n"),
            _ if operation.is_read() || operation == Operation::BidAsync => format!("X-User-Id: {user}\r\n"),
            _ => format!("X-User-Id: {user}\r\nPrefer: wait={wait}\r\n"),
        };
        if operation == Operation::BidDelete {
            headers += &format!("Idempotency-Key: {}\r\n", key_of_deletion(key));
        } else if operation.is_bid() && key > 0 {
            headers += &format!("Idempotency-Key: {}\r\n", key_of_bid(key));
        }
        let body = match operation {
            Operation::Invalid => Some("{\"amount\": -1}".to_owned()),
            Operation::SignUp => Some(format!(
                "{{\"email\":\"load-{}-{key}-{user}@example.org\",\"name\":\"Load {key}\",\
                 \"password\":\"correct horse battery {key}\"}}",
                run_ids.began.0
            )),
            _ => operation.is_bid().then(|| format!("{{\"amount\":{amount}}}")),
        };
        self.request(&line, &headers, body.as_deref())
    }

    /// Sends the due requests over this many connections and logs the responses. Returns when the queue has
    /// ended.
    pub(crate) async fn work(
        &self,
        queue: &Arc<Queue>,
        run_ids: &Arc<RunIds>,
        log: &mut OperationLog,
        counts: &Arc<Counts>,
        connections: usize,
    ) -> Result<(), Failure> {
        super::work(self.workers(run_ids, connections), queue, log, counts).await
    }

    /// Returns workers that connect at their first request.
    pub(crate) fn workers(&self, run_ids: &Arc<RunIds>, connections: usize) -> Vec<Worker> {
        let worker = |_| Worker { http: self.clone(), run_ids: Arc::clone(run_ids), connection: None };
        (0..connections).map(worker).collect()
    }

    /// Sends a GET request over the client; returns status and body.
    pub(crate) async fn get(
        &self,
        client: &mut Client,
        path: &str,
        user: Option<Uuid>,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let user = user.map(|user| format!("X-User-Id: {user}\r\n")).unwrap_or_default();
        let response = client.send(&self.request(&format!("GET {path}"), &user, None)).await?;
        Ok((response.status, response.body.to_vec()))
    }

    /// Creates the users, a seller, and the auctions of the seller.
    pub(crate) async fn set_up(
        &self,
        users: u32,
        planned_auctions: &[PlannedAuction],
        start: Timestamp,
    ) -> Result<RunIds, Failure> {
        // One user more than planned is the seller, because sellers may not bid on their own auctions.
        let request = self.request("POST /users", "Prefer: wait=30\r\n", Some("{}"));
        let mut users = self.create(&vec![request; users as usize + 1], |reply| reply.user).await?;
        let seller = users.pop().ok_or("no user was created")?;
        let headers = format!("X-User-Id: {seller}\r\nX-User-Role: seller\r\nPrefer: wait=30\r\n");
        let requests = planned_auctions.iter().enumerate().map(|(n, planned)| {
            let ends_after = i64::try_from(planned.ends_after).unwrap_or(i64::MAX);
            let ends_at = JsonTime(Timestamp(start.0.saturating_add(ends_after)));
            let body = serde_json::json!({"title": format!("Lot {n}"), "currency": "USD",
                "opening_bid": planned.opening, "ends_at": ends_at, "promoted": planned.promoted});
            self.request("POST /auctions", &headers, Some(&body.to_string()))
        });
        let auctions = self.create(&requests.collect::<Vec<_>>(), |reply| reply.auction).await?;
        Ok(RunIds { users, auctions, began: start })
    }

    /// Sends the requests over several connections and returns the created ids in request order.
    async fn create(
        &self,
        requests: &[Vec<u8>],
        id: fn(&CommandReply) -> Option<Uuid>,
    ) -> Result<Vec<Uuid>, Failure> {
        let per_connection = requests.len().div_ceil(MAX_CONCURRENT_CREATIONS).max(1);
        let connections = requests.chunks(per_connection).map(|requests| async move {
            let (mut client, mut created) = (Client::connect(&self.address).await?, Vec::new());
            for request in requests {
                let response = client.send(request).await?;
                let reply = serde_json::from_slice(response.body).ok().filter(|_| response.status == 201);
                created.push(reply.as_ref().and_then(id).ok_or_else(|| cannot_create(&response))?);
            }
            Ok::<_, Failure>(created)
        });
        Ok(try_join_all(connections).await?.concat())
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
    let body = String::from_utf8_lossy(response.body);
    format!("cannot create users and auctions: {} {body}{hint}", response.status)
}

/// Idle time after which a connection is not used again. An ingress closes it after 30 s, possibly at the moment at
/// which the next request is sent.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// Sends requests over one connection.
pub(crate) struct Worker {
    http: Http,
    run_ids: Arc<RunIds>,
    /// The open connection, its epoch, and when it was last used.
    connection: Option<(ConnectionEpoch, Client, Instant)>,
}

impl Sender for Worker {
    async fn send(&mut self, request: &PlannedRequest) -> RequestResult {
        let bytes = self.http.encode(&self.run_ids, request);
        let began = Instant::now();
        let result = loop {
            let Some(load_balancer) = self.http.load_balancer.clone() else {
                break self.attempt(request, &bytes, Duration::MAX).await;
            };
            let attempt = load_balancer.attempt();
            let result = self.attempt(request, &bytes, RESPONSE_TIMEOUT).await;
            if !load_balancer.retry_unserved(began, attempt, result.status, &result.error).await {
                break result;
            }
        };
        match self.run_ids.command(request) {
            Some(command) => RequestResult { command: command.0, ..result },
            None => result,
        }
    }
}

impl Worker {
    async fn attempt(&mut self, request: &PlannedRequest, bytes: &[u8], timeout: Duration) -> RequestResult {
        let exchange = tokio::time::timeout(timeout, self.exchange(request, bytes)).await;
        exchange.unwrap_or_else(|late| Err(late.into())).unwrap_or_else(|failure| {
            self.connection = None;
            RequestResult::no_response(failure.to_string())
        })
    }

    /// Returns the connection, or opens a new one if there is none or its ingress is no longer ready.
    pub(crate) async fn connection(&mut self) -> Result<&mut Client, Failure> {
        let is_usable = |epoch| self.http.load_balancer.as_ref().is_none_or(|all| all.is_usable(epoch));
        let open = self.connection.take();
        self.connection = open.filter(|(epoch, _, used)| used.elapsed() < MAX_IDLE && is_usable(*epoch));
        Ok(match &mut self.connection {
            Some((_, connection, used)) => {
                *used = Instant::now();
                connection
            }
            connection => {
                let one = ((0, 0), &self.http.address);
                let (epoch, address) = self.http.load_balancer.as_deref().map_or(one, LoadBalancer::pick);
                &mut connection.insert((epoch, Client::connect(address).await?, Instant::now())).1
            }
        })
    }

    async fn exchange(&mut self, request: &PlannedRequest, bytes: &[u8]) -> Result<RequestResult, Failure> {
        let Response { status, body } = self.connection().await?.send(bytes).await?;
        if request.operation.is_read() && status == 200 {
            return Ok(RequestResult { status, ..RequestResult::default() });
        }
        let reply: CommandReply = serde_json::from_slice(body)?;
        Ok(RequestResult {
            status,
            code: reply.code,
            version: reply.version.unwrap_or_default(),
            command: reply.bid.unwrap_or_default(),
            handle: reply.command.filter(|_| status == 202),
            error: String::new(),
        })
    }
}
