//! The writer's protocol without its domain, in a separate process. It reads entries, stores the same rows,
//! publishes the same events and acknowledges the same entries, with the same adapters and the same overlap
//! of stages. Nothing is decoded, loaded or decided: every stored bid is the same.

use crate::Failure;
use crate::commands::partitions;
use auction_app::ports::commands::command_stream::{
    CommandSettler, CommandStreamConnector, PublishResult, Settlement,
};
use auction_app::ports::events::event_store::{
    AppendBatch, AppendResult, EventStore, EventStoreConnector, NewEvent,
};
use auction_domain::auction::AuctionEvent;
use auction_domain::{Actor, Amount, BidId, Currency, Detail, Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_redis::command_stream::{CommandStreamOptions, GROUP, RedisCommandStreams};
use auction_redis::keys;
use auction_wire::{Channel, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use std::collections::HashMap;
use std::time::Duration;
use stream_worker::{ConsumerOptions, Entry, GroupConsumer};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Defaults of the writer.
const BATCH: usize = 500;
const BLOCK: Duration = Duration::from_millis(500);

/// Bidder of all stored bids.
const BIDDER: UserId = UserId(Uuid::from_u128(1));

pub(crate) async fn run() -> Result<(), Failure> {
    let (redis, database) = (std::env::var("REDIS_URL")?, std::env::var("DATABASE_URL")?);
    let options = CommandStreamOptions {
        max_batch: BATCH,
        block: BLOCK,
        linger: Duration::ZERO,
        pessimistic: false,
        max_clock_skew: Duration::from_secs(300),
    };
    let (client, partitions) = (redis::Client::open(redis)?, partitions()?);
    let command_streams = RedisCommandStreams::new(client.clone(), partitions, options);
    let mut tasks = JoinSet::new();
    for partition in partitions.all() {
        let (stores, client, command_streams) =
            (PostgresStoreConnector::new(&database)?, client.clone(), command_streams.clone());
        tasks.spawn(async move { run_partition(&stores, &client, &command_streams, partition).await });
    }
    match tasks.join_next().await {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

async fn run_partition(
    stores: &impl EventStoreConnector,
    client: &redis::Client,
    tasks: &RedisCommandStreams,
    partition: PartitionId,
) -> Result<(), Failure> {
    let (_, mut settler) = tasks.open(partition).await?;
    let options = ConsumerOptions {
        group: GROUP.to_owned(),
        streams: Channel::ALL.iter().map(|channel| keys::commands(partition, *channel)).collect(),
        priority_streams: 2,
        count: BATCH,
        block: BLOCK,
        blocking: true,
        linger: Duration::ZERO,
        ack_required: true,
        crash_tracking: None,
    };
    let mut consumer = GroupConsumer::open(client, options).await?;
    let mut store = stores.open().await?;
    let mut head = store.head(partition).await?;
    let (to_store, mut read) = mpsc::channel::<Vec<Entry>>(1);
    let (to_settle, mut stored) = mpsc::channel::<Settlement>(1);
    let reading = async {
        loop {
            let entries = consumer.read().await?.entries;
            if !entries.is_empty() && to_store.send(entries).await.is_err() {
                return Ok(());
            }
        }
    };
    let storing = async {
        let mut versions = HashMap::new();
        while let Some(entries) = read.recv().await {
            let append = append(partition, head, &entries, &mut versions)?;
            if store.append(&append).await? != AppendResult::Committed {
                return Err(Failure::from("another process writes to the same partition"));
            }
            let settlement = Settlement {
                after: head,
                done: entries.iter().map(|entry| (Channel::ALL[entry.stream], entry.id)).collect(),
                events: append.events.into_iter().map(|event| event.record).collect(),
                ..Settlement::default()
            };
            head += settlement.events.len() as u64;
            to_settle.send(settlement).await?;
        }
        Ok(())
    };
    let settling = async {
        while let Some(settlement) = stored.recv().await {
            if settler.settle(&settlement).await? != PublishResult::Published {
                return Err(Failure::from("another process writes to the same partition"));
            }
        }
        Ok(())
    };
    tokio::try_join!(reading, storing, settling).map(|((), (), ())| ())
}

/// Parses the id in a field.
fn id(entry: &Entry, name: &str) -> Result<Uuid, Failure> {
    Ok(Uuid::try_parse_ascii(entry.field(name).ok_or("the entry is not a command")?)?)
}

/// Creates an event, an outcome and a bid for each entry.
fn append(
    partition: PartitionId,
    head: u64,
    entries: &[Entry],
    versions: &mut HashMap<Uuid, u64>,
) -> Result<AppendBatch, Failure> {
    let amount = Amount::new(1)?;
    let placed = |bid| Event::Auction(AuctionEvent::BidPlaced { bid, bidder: BIDDER, amount });
    let body = placed(BidId(BIDDER.0)).encode();
    let details = vec![
        ("amount", Detail::Amount(amount)),
        ("rank", Detail::Count(1)),
        ("leads", Detail::Flag(true)),
        ("highest", Detail::Amount(amount)),
    ];
    let accepted = OutcomeResult::accepted(1, Some(Currency::new("USD")?), details);
    let (mut events, mut outcomes) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for (position, entry) in (head + 1..).zip(entries) {
        let (command, key) = (CommandId(id(entry, "id")?), id(entry, "key")?);
        // Version 1 is the creation.
        let version = versions.entry(key).or_insert(1);
        *version += 1;
        let at = Timestamp(entry.id.ms.cast_signed());
        let record = EventRecord {
            position,
            key,
            version: *version,
            kind: "bid_placed".to_owned(),
            schema: 1,
            at,
            cause: command,
            trace: String::new(),
            body: body.clone(),
        };
        events.push(NewEvent { record, event: placed(BidId(command.0)), actor: Actor::User(BIDDER) });
        outcomes.push(Outcome {
            command,
            kind: "place_bid".to_owned(),
            key,
            fingerprint: 7,
            partition,
            position,
            at,
            result: accepted.clone(),
        });
    }
    Ok(AppendBatch { partition, expected_head: head, events, outcomes })
}
