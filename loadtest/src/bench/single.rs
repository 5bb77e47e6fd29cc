//! Processes one command per transaction, as most event stores do. Each step reads one command, loads its
//! auction from events and decides. It stores event, outcome and bid in one transaction, which fails if
//! another worker wrote to the auction meanwhile. Then it publishes and acknowledges. Uses the same domain
//! and servers, with 32 workers.

use crate::Failure;
use crate::bench::bench_portal::BenchPortal;
use crate::bench::resource_usage::{Meter, ResourceUsage};
use auction_domain::Timestamp;
use auction_domain::auction::{Auction, AuctionCommand};
use auction_redis::keys;
use auction_wire::{Channel, Command, CommandBody, Event, OutcomeResult, PartitionId};
use redis::aio::MultiplexedConnection;
use stream_worker::entry::read_reply;
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

const CONCURRENCY: usize = 32;

const GROUP: &str = "single";

const TABLES: &str = "
    CREATE TABLE single_events (
        position bigserial PRIMARY KEY, aggregate uuid NOT NULL, version bigint NOT NULL, kind text NOT NULL,
        schema smallint NOT NULL, at bigint NOT NULL, command_id uuid NOT NULL, body bytea NOT NULL,
        UNIQUE (aggregate, version));
    CREATE TABLE single_commands (LIKE command_outcomes INCLUDING ALL);
    CREATE TABLE single_bids (LIKE bids INCLUDING ALL);
    INSERT INTO single_events (aggregate, version, kind, schema, at, command_id, body)
        SELECT aggregate, version, kind, schema, at, command_id, body FROM events;";

const LOAD: &str = "SELECT kind, schema, at, body FROM single_events WHERE aggregate = $1 ORDER BY version";

/// One statement is one transaction.
const STORE: &str = "
    WITH event AS (
        INSERT INTO single_events (aggregate, version, kind, schema, at, command_id, body)
        VALUES ($2, $3, $4, $5, $6, $1, $7)),
    outcome AS (INSERT INTO single_commands VALUES ($1, 'place_bid', $2, 7, 0, $3, $6, $8))
    INSERT INTO single_bids (id, auction, bidder, amount, doubled, state)
    VALUES ($1, $2, $9, $10, false, 'live')";

/// Processes all bids on the streams and returns the resource usage.
pub(crate) async fn drain(bench: &BenchPortal) -> Result<ResourceUsage, Failure> {
    bench.database.batch_execute(TABLES).await?;
    let mut workers = JoinSet::new();
    for partition in bench.partitions.all() {
        let stream = keys::commands(partition, Channel::Bid);
        let create = ["CREATE", &stream, GROUP, "0", "MKSTREAM"];
        redis::cmd("XGROUP").arg(&create).query_async::<()>(&mut bench.redis.clone()).await?;
    }
    for n in 0..CONCURRENCY {
        let (client, connection) =
            tokio_postgres::connect(bench.portal.servers.database_url(), NoTls).await?;
        tokio::spawn(connection);
        // 32 is a multiple of the number of partitions, so every stream has the same number of workers.
        let partition = PartitionId((n % usize::from(bench.partitions.get())) as u16);
        let (load, store) = (client.prepare(LOAD).await?, client.prepare(STORE).await?);
        let (redis, name) = (bench.redis.clone(), n.to_string());
        let mut worker = Worker { client, load, store, redis, partition, name };
        workers.spawn(async move { worker.run().await });
    }
    let meter = Meter::start()?;
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    meter.stop()
}

struct Worker {
    client: Client,
    load: Statement,
    store: Statement,
    redis: MultiplexedConnection,
    partition: PartitionId,
    name: String,
}

impl Worker {
    /// Processes commands until the stream is empty.
    async fn run(&mut self) -> Result<(), Failure> {
        let stream = keys::commands(self.partition, Channel::Bid);
        let mut read = redis::cmd("XREADGROUP");
        read.arg(&["GROUP", GROUP, &self.name, "COUNT", "1", "STREAMS", &stream, ">"]);
        loop {
            let reply = read.query_async(&mut self.redis).await?;
            let Some(entry) = read_reply(std::slice::from_ref(&stream), reply)?.pop() else { return Ok(()) };
            let command = Command::from_fields(&entry.fields)?;
            let event = loop {
                match self.handle(&command, Timestamp(entry.id.ms.cast_signed())).await? {
                    Some(event) => break event,
                    None => continue, // another worker wrote to the auction
                }
            };
            let mut settle = redis::pipe();
            let publish = settle.cmd("XADD").arg(keys::events(self.partition)).arg("*");
            publish.arg("kind").arg(event.kind()).arg("key").arg(command.key.to_string());
            publish.arg("cause").arg(command.id.to_string()).arg("body").arg(event.encode()).ignore();
            settle.cmd("XACK").arg(&stream).arg(GROUP).arg(entry.id.to_string()).ignore();
            settle.query_async::<()>(&mut self.redis).await?;
        }
    }

    /// Decides a bid and stores the result; none if another worker wrote to its auction meanwhile.
    async fn handle(&self, command: &Command, at: Timestamp) -> Result<Option<Event>, Failure> {
        let CommandBody::Auction(body @ AuctionCommand::PlaceBid(place)) = &command.body else {
            return Err("the command is not a bid".into());
        };
        let mut auction = None;
        for row in self.client.query(&self.load, &[&command.key]).await? {
            let schema: i16 = row.get(1);
            match Event::decode(row.get(0), schema.cast_unsigned(), row.get(3))? {
                Event::Auction(event) => Auction::apply(&mut auction, &event, Timestamp(row.get(2))),
                Event::User(_) | Event::Promoter(_) | Event::Bar(_) => {
                    return Err("the aggregate is not an auction".into());
                }
            }
        }
        let decided = body.decide(auction.as_ref(), command.actor, command.expect, at);
        let events = decided.map_err(|refused| format!("refused: {}", refused.message))?;
        let [event] = &events[..] else { return Err("the command did not produce exactly one event".into()) };
        Auction::apply(&mut auction, event, at);
        let after = auction.as_ref().ok_or("the auction does not exist")?;
        let version = after.version();
        let accepted = OutcomeResult::accepted(version, Some(after.terms().currency), body.details(after));
        let event = Event::Auction(event.clone());
        let (kind, schema, encoded) = (event.kind(), event.schema().cast_signed(), event.encode());
        let (version, outcome) = (version.cast_signed(), accepted.encode());
        let (bidder, amount) = (place.bidder.0, place.amount.minor_units().cast_signed());
        let values: [&(dyn ToSql + Sync); 10] = [
            &command.id.0,
            &command.key,
            &version,
            &kind,
            &schema,
            &at.0,
            &encoded,
            &outcome,
            &bidder,
            &amount,
        ];
        match self.client.execute(&self.store, &values).await {
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(None),
            stored => stored.map(|_| Some(event)).map_err(Failure::from),
        }
    }
}
