//! A portal by its REST ingress.

use crate::Failure;
use crate::run::history::{NO_ANSWER, OperationLog, Record};
use crate::run::ids::{RunIds, key_of_bid, key_of_deletion};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use crate::run::target::client::{Address, Answer, Client};
use crate::run::target::load_balancer::{ConnectionEpoch, LoadBalancer};
use serde::Deserialize;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long clients wait for an outcome, in seconds.
const WAIT: u32 = 30;

/// Beside somebody who looks after the portal they wait shorter, and are content with 202 then.
const SHORT_WAIT: u32 = 5;

/// And a connection that says nothing for so long is of no use.
const SILENCE: Duration = Duration::from_secs(10);

/// How a portal is spoken to.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) address: Address,
    /// A token or service key, if callers are not believed without.
    pub(crate) token: Option<Arc<str>>,
    /// Requests go through it, if there is one, and what is not served is asked again.
    pub(crate) balance: Option<Arc<LoadBalancer>>,
}

/// What matters of an answer to a command.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    code: Option<std::borrow::Cow<'a, str>>,
    command: Option<&'a str>,
    bid: Option<Uuid>,
    user: Option<Uuid>,
    auction: Option<Uuid>,
    version: Option<u64>,
}

/// Writing into memory cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => { let _ = write!($out, $($text)*); };
}

// Behind the macro, which it uses.
mod set_up;

impl Http {
    fn begin(&self, out: &mut Vec<u8>, line: std::fmt::Arguments<'_>) {
        out.clear();
        put!(out, "{line} HTTP/1.1\r\nHost: {}\r\n", self.address.host);
        if let Some(token) = &self.token {
            put!(out, "Authorization: Bearer {token}\r\n");
        }
    }

    /// A request of a plan, whole.
    fn request(&self, out: &mut Vec<u8>, world: &RunIds, ask: &PlannedRequest) {
        let (user, auction) = (world.user(ask), world.auction(ask));
        match ask.what {
            Operation::Auction => self.begin(out, format_args!("GET /auction/{auction}")),
            Operation::Bids => self.begin(out, format_args!("GET /auction/{auction}/bids?limit=20")),
            Operation::List => self.begin(out, format_args!("GET /auctions?limit=20")),
            Operation::SignUp => self.begin(out, format_args!("POST /sign-up")),
            Operation::Deletion => {
                let bid = world.bid_with_key(ask).unwrap_or_default();
                self.begin(out, format_args!("DELETE /auction/{auction}/bid/{bid}"));
                put!(out, "Idempotency-Key: {}\r\n", key_of_deletion(ask.key));
            }
            _ => self.begin(out, format_args!("PUT /auction/{auction}/bid")),
        }
        if ask.what != Operation::SignUp {
            put!(out, "X-User-Id: {user}\r\n");
        }
        if ask.what.places() && ask.key > 0 {
            put!(out, "Idempotency-Key: {}\r\n", key_of_bid(ask.key));
        }
        if !matches!(ask.what, Operation::Unwaited | Operation::Auction | Operation::Bids | Operation::List) {
            let wait = if self.balance.is_some() { SHORT_WAIT } else { WAIT };
            put!(out, "Prefer: wait={wait}\r\n");
        }
        match ask.what {
            Operation::Bad => finish(out, b"{\"amount\": -1}"),
            Operation::SignUp => {
                let (key, began) = (ask.key, world.began.0);
                let body = format!(
                    "{{\"email\":\"load-{began}-{key}-{user}@example.org\",\"name\":\"Load {key}\",\
                     \"password\":\"correct horse battery {key}\"}}"
                );
                finish(out, body.as_bytes());
            }
            what if what.places() => {
                let mut body = [0; 40];
                let mut rest = &mut body[..];
                put!(rest, "{{\"amount\":{}}}", ask.amount);
                let left = rest.len();
                finish(out, &body[..40 - left]);
            }
            _ => put_end(out),
        }
    }

    /// Answers what is due, with so many connections. Ends when there is no more.
    pub(crate) async fn work(
        &self,
        queue: &Arc<Queue>,
        world: &Arc<RunIds>,
        journal: &mut OperationLog,
        counts: &Arc<Counts>,
        connections: usize,
    ) -> Result<(), Failure> {
        let codes = Arc::new(std::mem::take(&mut journal.codes));
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            let (http, queue, world) = (self.clone(), Arc::clone(queue), Arc::clone(world));
            let (codes, counts) = (Arc::clone(&codes), Arc::clone(counts));
            workers.spawn(async move {
                let mut worker = Worker { http, world, connection: None, out: Vec::with_capacity(1024) };
                let (mut records, mut handles) = (Vec::new(), Vec::new());
                while let Some(ask) = queue.next().await {
                    let held = queue.since(ask.due);
                    let heard = worker.ask(&ask).await;
                    let took = queue.since(ask.due);
                    counts.count(heard.status);
                    let code = heard.code.as_deref().map_or(0, |code| codes.number(code));
                    if let Some(handle) = heard.handle {
                        handles.push((records.len(), handle));
                    }
                    let Heard { status, version, command, .. } = heard;
                    records.push(Record { ask, held, took, status, code, version, command });
                }
                (records, handles)
            });
        }
        while let Some(ended) = workers.join_next().await {
            let (records, handles) = ended?;
            let before = journal.records.len();
            journal.handles.extend(handles.into_iter().map(|(n, handle)| (before + n, handle)));
            journal.records.extend(records);
        }
        // Everybody who had it has ended.
        journal.codes = Arc::try_unwrap(codes).unwrap_or_default();
        Ok(())
    }
}

/// One connection.
struct Worker {
    http: Http,
    world: Arc<RunIds>,
    /// With whom it leads to.
    connection: Option<(ConnectionEpoch, Client)>,
    out: Vec<u8>,
}

/// What a worker heard.
#[derive(Default)]
struct Heard {
    status: u16,
    code: Option<String>,
    version: u64,
    command: Uuid,
    handle: Option<String>,
    /// Why there was no answer.
    why: String,
}

impl Worker {
    async fn ask(&mut self, ask: &PlannedRequest) -> Heard {
        let mut request = std::mem::take(&mut self.out);
        self.http.request(&mut request, &self.world, ask);
        let began = Instant::now();
        let heard = loop {
            let Some(balance) = self.http.balance.clone() else { break self.attempt(ask, &request).await };
            let attempt = balance.attempt();
            let heard = self.attempt(ask, &request).await;
            if !balance.asks_again(began, attempt, heard.status, &heard.why).await {
                break heard;
            }
        };
        self.out = request;
        match self.world.command(ask) {
            Some(command) => Heard { command: command.0, ..heard },
            None => heard,
        }
    }

    async fn attempt(&mut self, ask: &PlannedRequest, request: &[u8]) -> Heard {
        let silence = if self.http.balance.is_some() { SILENCE } else { Duration::MAX };
        let exchange = tokio::time::timeout(silence, self.exchange(ask, request)).await;
        let heard = exchange.unwrap_or_else(|late| Err(late.into()));
        heard.unwrap_or_else(|error| {
            self.connection = None;
            let code = Some("no_answer".to_owned());
            Heard { status: NO_ANSWER, code, why: error.to_string(), ..Heard::default() }
        })
    }

    /// The connection, or another one where it leads to somebody who is not ready any more.
    async fn connection(&mut self) -> Result<&mut Client, Failure> {
        if let (Some(balance), Some((lead, _))) = (&self.http.balance, &self.connection)
            && !balance.is_good(*lead)
        {
            self.connection = None;
        }
        Ok(match &mut self.connection {
            Some((_, connection)) => connection,
            connection => {
                let one = ((0, 0), &self.http.address);
                let (lead, address) = self.http.balance.as_deref().map_or(one, LoadBalancer::pick);
                &mut connection.insert((lead, Client::connect(address).await?)).1
            }
        })
    }

    async fn exchange(&mut self, ask: &PlannedRequest, request: &[u8]) -> Result<Heard, Failure> {
        let connection = self.connection().await?;
        let Answer { status, body } = connection.ask(request).await?;
        let is_read = matches!(ask.what, Operation::Auction | Operation::Bids | Operation::List);
        if is_read && status == 200 {
            return Ok(Heard { status, ..Heard::default() });
        }
        let told: Told<'_> = serde_json::from_slice(body)?;
        Ok(Heard {
            status,
            code: told.code.map(|code| code.into_owned()),
            version: told.version.unwrap_or_default(),
            command: told.bid.unwrap_or_default(),
            handle: if status == 202 { told.command.map(str::to_owned) } else { None },
            why: String::new(),
        })
    }
}

fn put_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

fn finish(out: &mut Vec<u8>, body: &[u8]) {
    put!(out, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    out.extend_from_slice(body);
}

/// Single requests.
impl Http {
    /// A request without a body and without a user.
    pub(crate) fn bare(&self, line: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.begin(&mut out, format_args!("{line}"));
        put_end(&mut out);
        out
    }

    /// Reads something, on a connection of its own: status and body.
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
        put_end(&mut out);
        let answer = client.ask(&out).await?;
        Ok((answer.status, answer.body.to_vec()))
    }
}
