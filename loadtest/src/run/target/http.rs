//! Load on the REST API of the ingress.

use crate::Failure;
use crate::run::history::{NO_RESPONSE, OperationLog, Record};
use crate::run::ids::{RunIds, key_of_bid, key_of_deletion};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use crate::run::target::client::{Address, Client, Response};
use crate::run::target::load_balancer::{ConnectionEpoch, LoadBalancer};
use serde::Deserialize;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long clients wait for an outcome (`Prefer: wait`), in seconds.
const WAIT_SECONDS: u32 = 30;

/// The same with a load balancer, under faults; then 202 is an acceptable response.
const SHORT_WAIT_SECONDS: u32 = 5;

/// With a load balancer, a connection without a response for this long is closed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

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
struct CommandReply<'a> {
    #[serde(borrow)]
    code: Option<std::borrow::Cow<'a, str>>,
    command: Option<&'a str>,
    bid: Option<Uuid>,
    user: Option<Uuid>,
    auction: Option<Uuid>,
    version: Option<u64>,
}

/// Writes formatted text to a buffer in memory, which cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => { let _ = write!($out, $($text)*); };
}

// After the macro, because it uses it.
mod set_up;

impl Http {
    fn begin(&self, out: &mut Vec<u8>, line: std::fmt::Arguments<'_>) {
        out.clear();
        put!(out, "{line} HTTP/1.1\r\nHost: {}\r\n", self.address.host);
        if let Some(token) = &self.token {
            put!(out, "Authorization: Bearer {token}\r\n");
        }
    }

    /// Encodes a planned request.
    fn encode(&self, out: &mut Vec<u8>, run_ids: &RunIds, request: &PlannedRequest) {
        let (user, auction) = (run_ids.user(request), run_ids.auction(request));
        match request.operation {
            Operation::ReadAuction => self.begin(out, format_args!("GET /auction/{auction}")),
            Operation::ReadBids => self.begin(out, format_args!("GET /auction/{auction}/bids?limit=20")),
            Operation::ReadList => self.begin(out, format_args!("GET /auctions?limit=20")),
            Operation::SignUp => self.begin(out, format_args!("POST /sign-up")),
            Operation::BidDelete => {
                let bid = run_ids.bid_with_key(request).unwrap_or_default();
                self.begin(out, format_args!("DELETE /auction/{auction}/bid/{bid}"));
                put!(out, "Idempotency-Key: {}\r\n", key_of_deletion(request.key));
            }
            _ => self.begin(out, format_args!("PUT /auction/{auction}/bid")),
        }
        if request.operation != Operation::SignUp {
            put!(out, "X-User-Id: {user}\r\n");
        }
        if request.operation.is_bid() && request.key > 0 {
            put!(out, "Idempotency-Key: {}\r\n", key_of_bid(request.key));
        }
        if !matches!(
            request.operation,
            Operation::BidAsync | Operation::ReadAuction | Operation::ReadBids | Operation::ReadList
        ) {
            let wait = if self.load_balancer.is_some() { SHORT_WAIT_SECONDS } else { WAIT_SECONDS };
            put!(out, "Prefer: wait={wait}\r\n");
        }
        match request.operation {
            Operation::Invalid => finish(out, b"{\"amount\": -1}"),
            Operation::SignUp => {
                let (key, began) = (request.key, run_ids.began.0);
                let body = format!(
                    "{{\"email\":\"load-{began}-{key}-{user}@example.org\",\"name\":\"Load {key}\",\
                     \"password\":\"correct horse battery {key}\"}}"
                );
                finish(out, body.as_bytes());
            }
            operation if operation.is_bid() => {
                let mut body = [0; 40];
                let mut rest = &mut body[..];
                put!(rest, "{{\"amount\":{}}}", request.amount);
                let left = rest.len();
                finish(out, &body[..40 - left]);
            }
            _ => finish_without_body(out),
        }
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
        let codes = Arc::new(std::mem::take(&mut log.codes));
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            let (http, queue, run_ids) = (self.clone(), Arc::clone(queue), Arc::clone(run_ids));
            let (codes, counts) = (Arc::clone(&codes), Arc::clone(counts));
            workers.spawn(async move {
                let mut worker = Worker { http, run_ids, connection: None, out: Vec::with_capacity(1024) };
                let (mut records, mut handles) = (Vec::new(), Vec::new());
                while let Some(request) = queue.next().await {
                    let queued_us = queue.since(request.due);
                    let result = worker.send(&request).await;
                    let latency_us = queue.since(request.due);
                    counts.count(result.status);
                    let code = result.code.as_deref().map_or(0, |code| codes.number(code));
                    if let Some(handle) = result.handle {
                        handles.push((records.len(), handle));
                    }
                    let WorkerResult { status, version, command, .. } = result;
                    records.push(Record { request, queued_us, latency_us, status, code, version, command });
                }
                (records, handles)
            });
        }
        while let Some(ended) = workers.join_next().await {
            let (records, handles) = ended?;
            let before = log.records.len();
            log.handles.extend(handles.into_iter().map(|(n, handle)| (before + n, handle)));
            log.records.extend(records);
        }
        // All workers have ended and dropped their references.
        log.codes = Arc::try_unwrap(codes).unwrap_or_default();
        Ok(())
    }
}

/// Sends requests over one connection.
struct Worker {
    http: Http,
    run_ids: Arc<RunIds>,
    /// The open connection and its epoch.
    connection: Option<(ConnectionEpoch, Client)>,
    out: Vec<u8>,
}

/// Response to one request.
#[derive(Default)]
struct WorkerResult {
    status: u16,
    code: Option<String>,
    version: u64,
    command: Uuid,
    handle: Option<String>,
    /// Reason for a missing response.
    error: String,
}

impl Worker {
    async fn send(&mut self, request: &PlannedRequest) -> WorkerResult {
        let mut bytes = std::mem::take(&mut self.out);
        self.http.encode(&mut bytes, &self.run_ids, request);
        let began = Instant::now();
        let result = loop {
            let Some(load_balancer) = self.http.load_balancer.clone() else {
                break self.attempt(request, &bytes).await;
            };
            let attempt = load_balancer.attempt();
            let result = self.attempt(request, &bytes).await;
            if !load_balancer.retry_unserved(began, attempt, result.status, &result.error).await {
                break result;
            }
        };
        self.out = bytes;
        match self.run_ids.command(request) {
            Some(command) => WorkerResult { command: command.0, ..result },
            None => result,
        }
    }

    async fn attempt(&mut self, request: &PlannedRequest, bytes: &[u8]) -> WorkerResult {
        let response_timeout =
            if self.http.load_balancer.is_some() { RESPONSE_TIMEOUT } else { Duration::MAX };
        let exchange = tokio::time::timeout(response_timeout, self.exchange(request, bytes)).await;
        let result = exchange.unwrap_or_else(|late| Err(late.into()));
        result.unwrap_or_else(|failure| {
            self.connection = None;
            let code = Some("no_response".to_owned());
            WorkerResult { status: NO_RESPONSE, code, error: failure.to_string(), ..WorkerResult::default() }
        })
    }

    /// Returns the connection, or opens a new one if there is none or its ingress is no longer ready.
    async fn connection(&mut self) -> Result<&mut Client, Failure> {
        if let (Some(load_balancer), Some((epoch, _))) = (&self.http.load_balancer, &self.connection)
            && !load_balancer.is_usable(*epoch)
        {
            self.connection = None;
        }
        Ok(match &mut self.connection {
            Some((_, connection)) => connection,
            connection => {
                let one = ((0, 0), &self.http.address);
                let (epoch, address) = self.http.load_balancer.as_deref().map_or(one, LoadBalancer::pick);
                &mut connection.insert((epoch, Client::connect(address).await?)).1
            }
        })
    }

    async fn exchange(&mut self, request: &PlannedRequest, bytes: &[u8]) -> Result<WorkerResult, Failure> {
        let connection = self.connection().await?;
        let Response { status, body } = connection.send(bytes).await?;
        let is_read =
            matches!(request.operation, Operation::ReadAuction | Operation::ReadBids | Operation::ReadList);
        if is_read && status == 200 {
            return Ok(WorkerResult { status, ..WorkerResult::default() });
        }
        let reply: CommandReply<'_> = serde_json::from_slice(body)?;
        Ok(WorkerResult {
            status,
            code: reply.code.map(|code| code.into_owned()),
            version: reply.version.unwrap_or_default(),
            command: reply.bid.unwrap_or_default(),
            handle: if status == 202 { reply.command.map(str::to_owned) } else { None },
            error: String::new(),
        })
    }
}

fn finish_without_body(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

fn finish(out: &mut Vec<u8>, body: &[u8]) {
    put!(out, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    out.extend_from_slice(body);
}

impl Http {
    /// Encodes a request without a body and without a user.
    pub(crate) fn encode_without_body(&self, line: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.begin(&mut out, format_args!("{line}"));
        finish_without_body(&mut out);
        out
    }

    /// Sends a GET request over the client; returns status and body.
    pub(crate) async fn get(
        &self,
        client: &mut Client,
        path: &str,
        user: Option<Uuid>,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let mut out = Vec::new();
        self.begin(&mut out, format_args!("GET {path}"));
        if let Some(user) = user {
            put!(out, "X-User-Id: {user}\r\n");
        }
        finish_without_body(&mut out);
        let response = client.send(&out).await?;
        Ok((response.status, response.body.to_vec()))
    }
}
