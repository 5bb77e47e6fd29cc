//! A portal by its streams, as another ingress would: commands go onto their streams, outcomes come by a reply
//! stream.

mod set_up;

use crate::Failure;
use crate::run::history::{NO_ANSWER, OperationLog, Record};
use crate::run::ids::{RunIds, fingerprint_of};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use auction_domain::auction::{AuctionCommand, DeleteBid, PlaceBid};
use auction_domain::{Actor, Amount, BidId, RefusedClass, UserId};
use auction_redis::{RedisServer, keys};
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

/// At most so many commands in one round trip, as in an ingress.
const FLUSH: usize = 1_000;

/// Redis takes no longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// A read waits so long; then it is looked whether anything is still to come.
const BLOCK: Duration = Duration::from_millis(100);

/// Reply streams live so long, and are renewed well before.
const EXPIRES: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(15);

/// How long outcomes may take after the last command.
const PATIENCE: Duration = Duration::from_secs(60);

/// The streams of a portal.
#[derive(Clone)]
pub(crate) struct Streams {
    server: RedisServer,
    partitions: PartitionCount,
    /// As whom writers know us.
    ingress: String,
}

/// Records, and which of them wait for which command.
#[derive(Default)]
struct Waiting {
    records: Vec<Record>,
    by_command: HashMap<Uuid, Vec<usize>>,
}

type Shared = Arc<Mutex<Waiting>>;

fn lock(waiting: &Shared) -> MutexGuard<'_, Waiting> {
    // Nothing that panics is done while it is held.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Streams {
    pub(crate) fn new(redis_url: &str, partitions: PartitionCount) -> Result<Streams, Failure> {
        let server = redis::Client::open(redis_url)?.into();
        Ok(Streams { server, partitions, ingress: format!("load-{}", Uuid::now_v7().simple()) })
    }

    /// Sends what is due, and notes the outcomes. Ends when there is no more.
    pub(crate) async fn work(
        &self,
        queue: &Arc<Queue>,
        world: &Arc<RunIds>,
        journal: &mut OperationLog,
        counts: &Arc<Counts>,
    ) -> Result<(), Failure> {
        let codes = Arc::new(std::mem::take(&mut journal.codes));
        let (waiting, sent) = (Shared::default(), Arc::new(AtomicBool::new(false)));
        let mut connection = self.server.connect(DEADLINE).await?;
        let begin = self.renew(&mut connection).await?;
        let hear = {
            let (streams, queue, waiting) = (self.clone(), Arc::clone(queue), Arc::clone(&waiting));
            let (sent, counts, codes) = (Arc::clone(&sent), Arc::clone(counts), Arc::clone(&codes));
            tokio::spawn(async move {
                let told = |waiting: &mut Waiting, outcome: &Outcome| {
                    for n in waiting.by_command.remove(&outcome.command.0).unwrap_or_default() {
                        let record = &mut waiting.records[n];
                        let (status, code) = answer(&outcome.result);
                        record.status = status;
                        record.code = code.map_or(0, |code| codes.number(code));
                        record.version = version(&outcome.result);
                        record.took = queue.since(record.ask.due);
                        counts.count(status);
                    }
                };
                streams.hear(begin, &waiting, &sent, told).await
            })
        };
        let went = self.send(connection, queue, world, &waiting, counts).await;
        sent.store(true, Ordering::Relaxed);
        hear.await??;
        went?;
        journal.records = std::mem::take(&mut lock(&waiting).records);
        // Those who had it have ended.
        journal.codes = Arc::try_unwrap(codes).unwrap_or_default();
        for record in &mut journal.records {
            if !record.is_answered() {
                record.code = journal.codes.number("no_answer");
                record.took = queue.since(record.ask.due);
                counts.count(NO_ANSWER);
            }
        }
        Ok(())
    }

    /// Commands that come while one round trip waits for the disk go into the next.
    async fn send(
        &self,
        mut connection: DedicatedConnection,
        queue: &Queue,
        world: &RunIds,
        waiting: &Shared,
        counts: &Counts,
    ) -> Result<(), Failure> {
        let mut asks = Vec::with_capacity(FLUSH);
        let mut renewed = Instant::now();
        loop {
            asks.clear();
            queue.take(&mut asks, FLUSH).await;
            if asks.is_empty() {
                return Ok(());
            }
            let (mut flush, mut unwaited) = (pipe(), Vec::new());
            for ask in &asks {
                let command = self.command(world, ask)?;
                // Before it is sent: its outcome may be here before we are.
                let mut waiting = lock(waiting);
                let (n, held) = (waiting.records.len(), queue.since(ask.due));
                let id = command.id.0;
                let (took, status, code, version) = (0, NO_ANSWER, 0, 0);
                waiting.records.push(Record { ask: *ask, held, took, status, code, version, command: id });
                match ask.what {
                    Operation::Unwaited => unwaited.push(n),
                    _ => waiting.by_command.entry(id).or_default().push(n),
                }
                drop(waiting);
                self.add(&mut flush, &command);
            }
            for reply in connection.send(&flush).await? {
                value::ok(reply)?;
            }
            for n in unwaited {
                let record = &mut lock(waiting).records[n];
                (record.status, record.took) = (202, queue.since(record.ask.due));
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

    fn command(&self, world: &RunIds, ask: &PlannedRequest) -> Result<Command, Failure> {
        let (user, auction) = (UserId(world.user(ask)), world.auction(ask));
        let id = world.command(ask).unwrap_or_else(|| CommandId(Uuid::now_v7()));
        let body = match ask.what {
            Operation::Deletion => AuctionCommand::DeleteBid(DeleteBid {
                bid: BidId(world.bid_with_key(ask).unwrap_or_default()),
            }),
            _ => AuctionCommand::PlaceBid(PlaceBid {
                bid: BidId(id.0),
                bidder: user,
                amount: Amount::new(ask.amount)?,
            }),
        };
        let reply = if ask.what == Operation::Unwaited { String::new() } else { self.ingress.clone() };
        let fingerprint = fingerprint_of(ask.amount);
        let (actor, body) = (Actor::User(user), CommandBody::Auction(body));
        Ok(Command { id, key: auction, actor, expect: None, fingerprint, reply, trace: String::new(), body })
    }

    fn replies(&self) -> Vec<String> {
        self.partitions.all().map(|partition| keys::reply(partition, &self.ingress)).collect()
    }

    /// Makes the reply streams, or lets them live on. Their newest ids.
    async fn renew(&self, connection: &mut DedicatedConnection) -> Result<Vec<String>, Failure> {
        let mut commands = pipe();
        for stream in self.replies() {
            // A group is the only way to make an empty stream; nobody reads through it.
            commands.cmd("XGROUP").arg("CREATE").arg(&stream).arg("exists").arg("$").arg("MKSTREAM");
            commands.cmd("EXPIRE").arg(&stream).arg(EXPIRES.as_secs());
            commands.cmd("XINFO").arg("STREAM").arg(&stream);
        }
        let replies = connection.send(&commands).await?;
        replies.chunks_exact(3).map(|of_one| Ok(value::last_generated_id(&of_one[2])?.to_string())).collect()
    }

    /// Reads outcomes until everything is sent and nobody waits any more.
    async fn hear(
        &self,
        mut last: Vec<String>,
        waiting: &Shared,
        sent: &AtomicBool,
        told: impl Fn(&mut Waiting, &Outcome),
    ) -> Result<(), Failure> {
        let (streams, mut all_sent) = (self.replies(), None);
        let mut connection = self.server.connect(DEADLINE).await?;
        loop {
            if sent.load(Ordering::Relaxed) {
                let since = *all_sent.get_or_insert_with(Instant::now);
                if lock(waiting).by_command.is_empty() || since.elapsed() > PATIENCE {
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
                let mut waiting = lock(waiting);
                outcomes.iter().for_each(|outcome| told(&mut waiting, outcome));
            }
        }
    }
}

/// What an ingress would answer: status and reason.
fn answer(result: &OutcomeResult) -> (u16, Option<&str>) {
    match result {
        OutcomeResult::Accepted { .. } => (201, None),
        OutcomeResult::Refused { code, class, .. } => {
            let status = match class {
                RefusedClass::Unknown => 404,
                RefusedClass::Forbidden => 403,
                RefusedClass::Conflict => 409,
                RefusedClass::Invalid => 422,
                RefusedClass::VersionMoved => 412,
            };
            (status, Some(code))
        }
        OutcomeResult::Failed { .. } => (500, Some("failed")),
    }
}

fn version(result: &OutcomeResult) -> u64 {
    match result {
        OutcomeResult::Accepted { version, .. } => *version,
        OutcomeResult::Refused { .. } | OutcomeResult::Failed { .. } => 0,
    }
}
