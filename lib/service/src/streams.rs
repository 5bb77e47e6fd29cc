//! `portal streams`: how far everybody is with every stream, and who works on it.

mod json;
mod rates;
mod table;

use crate::operate::{Operated, ServersArgs};
use crate::process::ProcessError;
use auction_app::ports::Unavailable;
use auction_app::ports::event_store::{EventStore, EventStores};
use auction_redis::progress::{RedisProgress, StreamProgress};
use auction_wire::PartitionId;
use clap::Args;
use rates::Rates;
use std::io::Write;
use std::time::Duration;

/// `portal streams`
#[derive(Debug, Args)]
pub struct StreamsArgs {
    /// In this partition alone
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// Rates are over so many seconds
    #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = seconds)]
    every: Duration,
    /// Look again and again, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// One JSON object a look
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    servers: ServersArgs,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.05..=3600.0).contains(&seconds) {
        return Err("from 0.05 to 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Everything at one moment, more or less: each stream by itself is seen at one.
struct Look {
    /// By the clock of Redis, in milliseconds since 1970.
    now_ms: u64,
    partitions: Vec<PartitionLook>,
    /// Why the store could not be asked.
    store_is_away: Option<Unavailable>,
}

struct PartitionLook {
    partition: PartitionId,
    streams: Vec<StreamProgress>,
    /// The newest event that is stored.
    stored: Option<u64>,
}

/// Looks twice or more, and writes what there is to see.
pub async fn run(args: StreamsArgs, out: &mut impl Write) -> Result<(), ProcessError> {
    let StreamsArgs { partition, every, watch, json, servers } = args;
    let portal = servers.connect()?;
    let all = portal.connections.partitions;
    let partitions: Vec<PartitionId> =
        all.all().filter(|one| partition.is_none_or(|wanted| wanted == one.0)).collect();
    if partitions.is_empty() {
        return Err(ProcessError::Usage(format!("there are {} partitions, from 0 on", all.get())));
    }
    let mut before = look(&portal, &partitions).await.map_err(|error| portal.away(&error))?;
    loop {
        tokio::time::sleep(every).await;
        let now = match look(&portal, &partitions).await {
            Ok(now) => now,
            Err(error) if watch => {
                eprintln!("{error}");
                continue;
            }
            Err(error) => return Err(portal.away(&error)),
        };
        let rates = Rates::between(&before, &now);
        let text = if json { json::line(&now, &rates) } else { table::text(&now, &rates) };
        out.write_all(text.as_bytes())?;
        if !watch {
            return Ok(());
        }
        if !json {
            writeln!(out)?;
        }
        out.flush()?;
        before = now;
    }
}

async fn look(portal: &Operated, partitions: &[PartitionId]) -> Result<Look, Unavailable> {
    let mut redis = RedisProgress::open(portal.connections.redis.client()).await?;
    let mut look = Look { now_ms: redis.now_ms().await?, partitions: Vec::new(), store_is_away: None };
    for partition in partitions {
        let streams = redis.of(*partition).await?;
        look.partitions.push(PartitionLook { partition: *partition, streams, stored: None });
    }
    // What is stored is published a moment later: asked the other way round, it could look lost.
    look.store_is_away = heads(portal, &mut look.partitions).await.err();
    Ok(look)
}

async fn heads(portal: &Operated, partitions: &mut [PartitionLook]) -> Result<(), Unavailable> {
    let mut store = portal.connections.stores.open().await?;
    for look in partitions {
        look.stored = Some(store.head(look.partition).await?);
    }
    Ok(())
}

impl PartitionLook {
    /// The newest event that was published.
    fn published(&self) -> u64 {
        let events = auction_redis::keys::events(self.partition);
        self.streams.iter().find(|stream| stream.key == events).map_or(0, |stream| stream.last.ms)
    }

    fn dead_letters(&self) -> u64 {
        let dead = auction_redis::keys::dead(self.partition);
        self.streams.iter().find(|stream| stream.key == dead).map_or(0, |stream| stream.length)
    }
}
