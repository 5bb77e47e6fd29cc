//! Load on the command streams, like another ingress: adds commands to the streams and reads outcomes from
//! reply streams.

mod set_up;

use crate::Failure;
use crate::run::history::{NO_RESPONSE, OperationLog, Record};
use crate::run::ids::{RunIds, fingerprint_of};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use auction_domain::auction::{AuctionCommand, DeleteBid, PlaceBid};
use auction_domain::{Actor, Amount, BidId, UserId};
use auction_redis::{RedisServer, keys};
use auction_wire::api::refusal_status;
use auction_wire::outcome::decode_replies;
use auction_wire::{Command, CommandBody, CommandId, Outcome, OutcomeResult, PartitionCount};
use redis::{Value, cmd, pipe};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use stream_worker::entry::read_reply;
use stream_worker::{DedicatedConnection, value};
use uuid::Uuid;

/// Maximum number of commands in one round trip, as in the ingress.
const MAX_COMMANDS_PER_FLUSH: usize = 1_000;

/// Time limit for a Redis request.
const REDIS_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a read of outcomes blocks before it is checked whether any are still expected.
const BLOCK: Duration = Duration::from_millis(100);

/// Expiry of reply streams, and the interval at which it is renewed.
const EXPIRES: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(15);

/// How long to wait for outcomes after the last command.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Client of the streams of a portal.
#[derive(Clone)]
pub(crate) struct Streams {
    server: RedisServer,
    partitions: PartitionCount,
    /// Ingress id under which writers send outcomes to this client.
    ingress: String,
}

/// Records of sent commands, and the indexes of those that wait for an outcome, by command.
#[derive(Default)]
struct Pending {
    records: Vec<Record>,
    by_command: HashMap<Uuid, Vec<usize>>,
}

type Shared = Arc<Mutex<Pending>>;

fn lock(pending: &Shared) -> MutexGuard<'_, Pending> {
    // The lock is never poisoned: no code that can panic runs under it.
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Streams {
    pub(crate) fn new(redis_url: &str, partitions: PartitionCount) -> Result<Streams, Failure> {
        let server = redis::Client::open(redis_url)?.into();
        Ok(Streams { server, partitions, ingress: format!("load-{}", Uuid::now_v7().simple()) })
    }

    /// Sends the due requests and logs their outcomes. Returns when the queue has ended and all outcomes have
    /// arrived or timed out.
    pub(crate) async fn work(
        &self,
        queue: &Arc<Queue>,
        run_ids: &Arc<RunIds>,
        log: &mut OperationLog,
        counts: &Arc<Counts>,
    ) -> Result<(), Failure> {
        let codes = Arc::new(std::mem::take(&mut log.codes));
        let (pending, sent) = (Shared::default(), Arc::new(AtomicBool::new(false)));
        let mut connection = self.server.connect(REDIS_TIMEOUT).await?;
        let begin = self.renew(&mut connection).await?;
        let read_outcomes = {
            let (streams, queue, pending) = (self.clone(), Arc::clone(queue), Arc::clone(&pending));
            let (sent, counts, codes) = (Arc::clone(&sent), Arc::clone(counts), Arc::clone(&codes));
            tokio::spawn(async move {
                let record_outcome = |pending: &mut Pending, outcome: &Outcome| {
                    for n in pending.by_command.remove(&outcome.command.0).unwrap_or_default() {
                        let record = &mut pending.records[n];
                        let (status, code) = http_status(&outcome.result);
                        record.status = status;
                        record.code = code.map_or(0, |code| codes.number(code));
                        record.version = version(&outcome.result);
                        record.latency_us = queue.since(record.request.due);
                        counts.count(status);
                    }
                };
                streams.read_outcomes(begin, &pending, &sent, record_outcome).await
            })
        };
        let result = self.send(connection, queue, run_ids, &pending, counts).await;
        sent.store(true, Ordering::Relaxed);
        read_outcomes.await??;
        result?;
        log.records = std::mem::take(&mut lock(&pending).records);
        // All tasks have ended and dropped their references.
        log.codes = Arc::try_unwrap(codes).unwrap_or_default();
        for record in &mut log.records {
            if !record.has_response() {
                record.code = log.codes.number("no_response");
                record.latency_us = queue.since(record.request.due);
                counts.count(NO_RESPONSE);
            }
        }
        Ok(())
    }

    /// Sends all commands that arrived during one round trip in the next one.
    async fn send(
        &self,
        mut connection: DedicatedConnection,
        queue: &Queue,
        run_ids: &RunIds,
        pending: &Shared,
        counts: &Counts,
    ) -> Result<(), Failure> {
        let mut requests = Vec::with_capacity(MAX_COMMANDS_PER_FLUSH);
        let mut renewed = Instant::now();
        loop {
            requests.clear();
            queue.take(&mut requests, MAX_COMMANDS_PER_FLUSH).await;
            if requests.is_empty() {
                return Ok(());
            }
            let (mut flush, mut without_reply) = (pipe(), Vec::new());
            for request in &requests {
                let command = self.command(run_ids, request)?;
                // Registered before sending, because the outcome may arrive before this task continues.
                let mut pending = lock(pending);
                let (n, queued_us) = (pending.records.len(), queue.since(request.due));
                let id = command.id.0;
                let (latency_us, status, code, version) = (0, NO_RESPONSE, 0, 0);
                pending.records.push(Record {
                    request: *request,
                    queued_us,
                    latency_us,
                    status,
                    code,
                    version,
                    command: id,
                });
                match request.operation {
                    Operation::BidAsync => without_reply.push(n),
                    _ => pending.by_command.entry(id).or_default().push(n),
                }
                drop(pending);
                self.add(&mut flush, &command);
            }
            for reply in connection.send(&flush).await? {
                value::ok(reply)?;
            }
            for n in without_reply {
                let record = &mut lock(pending).records[n];
                (record.status, record.latency_us) = (202, queue.since(record.request.due));
                counts.count(202);
            }
            if renewed.elapsed() > RENEW {
                self.renew(&mut connection).await?;
                renewed = Instant::now();
            }
        }
    }

    fn add(&self, flush: &mut redis::Pipeline, command: &Command) {
        let stream = keys::commands(self.partitions.of(command.key), command.body.channel());
        let add = flush.cmd("XADD").arg(stream).arg("*");
        for (name, value) in command.to_fields() {
            add.arg(name).arg(value);
        }
    }

    fn command(&self, run_ids: &RunIds, request: &PlannedRequest) -> Result<Command, Failure> {
        let (user, auction) = (UserId(run_ids.user(request)), run_ids.auction(request));
        let id = run_ids.command(request).unwrap_or_else(|| CommandId(Uuid::now_v7()));
        let body = match request.operation {
            Operation::BidDelete => AuctionCommand::DeleteBid(DeleteBid {
                bid: BidId(run_ids.bid_with_key(request).unwrap_or_default()),
            }),
            _ => AuctionCommand::PlaceBid(PlaceBid {
                bid: BidId(id.0),
                bidder: user,
                amount: Amount::new(request.amount)?,
            }),
        };
        let reply =
            if request.operation == Operation::BidAsync { String::new() } else { self.ingress.clone() };
        let fingerprint = fingerprint_of(request.amount);
        let (actor, body) = (Actor::User(user), CommandBody::Auction(body));
        Ok(Command { id, key: auction, actor, expect: None, fingerprint, reply, trace: String::new(), body })
    }

    fn replies(&self) -> Vec<String> {
        self.partitions.all().map(|partition| keys::reply(partition, &self.ingress)).collect()
    }

    /// Creates the reply streams or extends their expiry. Returns their newest ids.
    async fn renew(&self, connection: &mut DedicatedConnection) -> Result<Vec<String>, Failure> {
        let mut commands = pipe();
        for stream in self.replies() {
            // Creating a group is the only way to create an empty stream; the group is not used.
            commands.cmd("XGROUP").arg("CREATE").arg(&stream).arg("exists").arg("$").arg("MKSTREAM");
            commands.cmd("EXPIRE").arg(&stream).arg(EXPIRES.as_secs());
            commands.cmd("XINFO").arg("STREAM").arg(&stream);
        }
        let replies = connection.send(&commands).await?;
        replies
            .chunks_exact(3)
            .map(|replies_of_stream| Ok(value::last_generated_id(&replies_of_stream[2])?.to_string()))
            .collect()
    }

    /// Reads outcomes until all commands are sent and none waits for its outcome.
    async fn read_outcomes(
        &self,
        mut last: Vec<String>,
        pending: &Shared,
        sent: &AtomicBool,
        record_outcome: impl Fn(&mut Pending, &Outcome),
    ) -> Result<(), Failure> {
        let (streams, mut all_sent) = (self.replies(), None);
        let mut connection = self.server.connect(REDIS_TIMEOUT).await?;
        loop {
            if sent.load(Ordering::Relaxed) {
                let since = *all_sent.get_or_insert_with(Instant::now);
                if lock(pending).by_command.is_empty() || since.elapsed() > TIMEOUT {
                    return Ok(());
                }
            }
            let mut read = cmd("XREAD");
            read.arg("COUNT")
                .arg(100)
                .arg("BLOCK")
                .arg(BLOCK.as_millis() as u64)
                .arg("STREAMS")
                .arg(&streams);
            last.iter().for_each(|id| {
                read.arg(id);
            });
            let reply: Value = connection.send_one(&read).await?;
            for entry in read_reply(&streams, reply)? {
                last[entry.stream] = entry.id.to_string();
                let body = entry.fields.iter().find(|(name, _)| name.as_ref() == b"body");
                let outcomes = body.map(|(_, body)| decode_replies(body)).transpose()?.unwrap_or_default();
                let mut pending = lock(pending);
                outcomes.iter().for_each(|outcome| record_outcome(&mut pending, outcome));
            }
        }
    }
}

/// Returns the status and refusal code that an ingress would respond with.
fn http_status(result: &OutcomeResult) -> (u16, Option<&str>) {
    match result {
        OutcomeResult::Accepted { .. } => (201, None),
        OutcomeResult::Refused { code, class, .. } => (refusal_status(*class), Some(code)),
        OutcomeResult::Failed { .. } => (500, Some("failed")),
    }
}

fn version(result: &OutcomeResult) -> u64 {
    match result {
        OutcomeResult::Accepted { version, .. } => *version,
        OutcomeResult::Refused { .. } | OutcomeResult::Failed { .. } => 0,
    }
}
