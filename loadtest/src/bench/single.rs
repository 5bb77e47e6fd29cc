//! Processes one command per transaction, as most event stores do. Each step reads one command, loads its
//! auction from events and decides. It stores event, outcome and bid in one transaction, which fails if
//! another worker wrote to the auction meanwhile. Then it publishes and acknowledges. Uses the same domain
//! and servers, with 32 workers.

use crate::Failure;
use crate::bench::backlog::partitions;
use crate::bench::environment::BenchEnvironment;
use crate::bench::resource_usage::{Meter, ResourceUsage};
use auction_domain::Timestamp;
use auction_domain::auction::Auction;
use auction_redis::keys;
use auction_wire::{Channel, Command, CommandBody, Event, OutcomeResult, PartitionId};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stream_worker::Entry;
use stream_worker::entry::read_reply;
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

const CONCURRENCY: usize = 32;

const TABLES: &str = "
    CREATE TABLE single_events (
        position bigserial PRIMARY KEY, aggregate uuid NOT NULL, version bigint NOT NULL, kind text NOT NULL,
        schema smallint NOT NULL, at bigint NOT NULL, command_id uuid NOT NULL, body bytea NOT NULL,
        UNIQUE (aggregate, version));
    CREATE TABLE single_commands (LIKE commands INCLUDING ALL);
    CREATE TABLE single_bids (LIKE bids INCLUDING ALL);
    INSERT INTO single_events (aggregate, version, kind, schema, at, command_id, body)
        SELECT aggregate, version, kind, schema, at, command_id, body FROM events;";

/// Processes this many bids and returns the resource usage.
pub(crate) async fn drain(bench: &BenchEnvironment, bids: usize) -> Result<ResourceUsage, Failure> {
    bench.database().batch_execute(TABLES).await?;
    let remaining = Arc::new(AtomicUsize::new(bids));
    let mut workers = JoinSet::new();
    for n in 0..CONCURRENCY {
        let (client, connection) = tokio_postgres::connect(bench.database_url(), NoTls).await?;
        tokio::spawn(connection);
        // 32 is a multiple of the number of partitions, so every stream has the same number of workers.
        let partition = PartitionId((n % usize::from(partitions()?.get())) as u16);
        let mut worker =
            Worker { store: Store::prepare(client).await?, redis: bench.redis().await?, partition, name: n };
        worker.create_group().await?;
        let remaining = remaining.clone();
        workers.spawn(async move { worker.run(&remaining).await });
    }
    let meter = Meter::start()?;
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    meter.stop()
}

struct Worker {
    store: Store,
    redis: MultiplexedConnection,
    partition: PartitionId,
    name: usize,
}

impl Worker {
    fn stream(&self) -> String {
        keys::commands(self.partition, Channel::Bid)
    }

    async fn create_group(&mut self) -> Result<(), Failure> {
        let mut make = cmd("XGROUP");
        make.arg("CREATE").arg(self.stream()).arg("single").arg("0").arg("MKSTREAM");
        // The group exists if another worker has created it.
        let _: Result<(), _> = make.query_async(&mut self.redis).await;
        Ok(())
    }

    async fn run(&mut self, remaining: &AtomicUsize) -> Result<(), Failure> {
        while remaining.load(Ordering::Relaxed) > 0 {
            let Some(entry) = self.read().await? else { return Ok(()) };
            let command = Command::from_fields(&entry.fields)?;
            let event = loop {
                match self.store.handle(&command, Timestamp(entry.id.ms.cast_signed())).await? {
                    Some(event) => break event,
                    None => continue, // another worker wrote to the auction
                }
            };
            let mut settle = pipe();
            let publish = settle.cmd("XADD").arg(keys::events(self.partition)).arg("*");
            publish.arg("kind").arg(event.kind()).arg("key").arg(command.key.to_string());
            publish.arg("cause").arg(command.id.to_string()).arg("body").arg(event.encode()).ignore();
            settle.cmd("XACK").arg(self.stream()).arg("single").arg(entry.id.to_string()).ignore();
            settle.query_async::<()>(&mut self.redis).await?;
            remaining.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Option<Entry>, Failure> {
        let stream = self.stream();
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP")
            .arg("single")
            .arg(self.name)
            .arg("COUNT")
            .arg(1)
            .arg("STREAMS")
            .arg(&stream)
            .arg(">");
        let reply: Value = read.query_async(&mut self.redis).await?;
        Ok(read_reply(&[stream], reply)?.pop())
    }
}

struct Store {
    client: Client,
    load: Statement,
    event: Statement,
    outcome: Statement,
    bid: Statement,
}

impl Store {
    async fn prepare(client: Client) -> Result<Store, Failure> {
        let load = "SELECT kind, schema, at, body FROM single_events WHERE aggregate = $1 ORDER BY version";
        let event = "INSERT INTO single_events (aggregate, version, kind, schema, at, command_id, body)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let outcome = "INSERT INTO single_commands VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let bid = "INSERT INTO single_bids (id, auction, bidder, amount, doubled, state)
                   VALUES ($1, $2, $3, $4, false, 'live')";
        let (load, event) = (client.prepare(load).await?, client.prepare(event).await?);
        let (outcome, bid) = (client.prepare(outcome).await?, client.prepare(bid).await?);
        Ok(Store { client, load, event, outcome, bid })
    }

    /// Decides a command and stores the result; none if another worker wrote to its auction meanwhile.
    async fn handle(&self, command: &Command, at: Timestamp) -> Result<Option<Event>, Failure> {
        let CommandBody::Auction(body) = &command.body else {
            return Err("the command is not for an auction".into());
        };
        let mut auction = None;
        for row in self.client.query(&self.load, &[&command.key]).await? {
            let schema: i16 = row.get(1);
            match Event::decode(row.get(0), schema.cast_unsigned(), row.get(3))? {
                Event::Auction(event) => Auction::apply(&mut auction, &event, Timestamp(row.get(2))),
                Event::User(_) | Event::Promoter(_) => return Err("the aggregate is not an auction".into()),
            }
        }
        let decided = body.decide(auction.as_ref(), command.actor, command.expect, at);
        let events = decided.map_err(|refused| format!("refused: {}", refused.message))?;
        let [event] = &events[..] else { return Err("the command did not produce exactly one event".into()) };
        Auction::apply(&mut auction, event, at);
        let after = auction.as_ref().ok_or("the auction does not exist")?;
        let details = body.details(after);
        let result = OutcomeResult::accepted(after.version(), Some(after.terms().currency), details).encode();
        let event = Event::Auction(event.clone());
        Ok(self.store(command, &event, after.version(), at, &result).await?.then_some(event))
    }

    async fn store(
        &self,
        command: &Command,
        event: &Event,
        version: u64,
        at: Timestamp,
        result: &[u8],
    ) -> Result<bool, Failure> {
        let (bidder, amount) = match &command.body {
            CommandBody::Auction(auction_domain::auction::AuctionCommand::PlaceBid(place)) => {
                (place.bidder.0, place.amount.minor_units().cast_signed())
            }
            _ => return Err("the command is not a bid".into()),
        };
        let version = version.cast_signed();
        let (event_kind, schema, body) = (event.kind(), event.schema().cast_signed(), event.encode());
        let (id, key, kind) = (command.id.0, command.key, command.body.kind());
        let event: &[&(dyn ToSql + Sync)] = &[&key, &version, &event_kind, &schema, &at.0, &id, &body];
        let outcome: &[&(dyn ToSql + Sync)] = &[&id, &kind, &key, &7_i64, &0_i16, &version, &at.0, &result];
        let bid: &[&(dyn ToSql + Sync)] = &[&id, &key, &bidder, &amount];
        // All statements are sent in one round trip.
        let (begun, stored, outcome, bid, committed) = tokio::join!(
            self.client.batch_execute("BEGIN"),
            self.client.execute(&self.event, event),
            self.client.execute(&self.outcome, outcome),
            self.client.execute(&self.bid, bid),
            self.client.batch_execute("COMMIT"),
        );
        begun?;
        match stored {
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => return Ok(false),
            stored => stored?,
        };
        outcome?;
        bid?;
        committed?;
        Ok(true)
    }
}
