//! `portal streams`: how far everybody is with every stream, and who works on it.

mod table;

use crate::operator::ServersArgs;
use crate::process::ProcessError;
use auction_app::operator::stream_stats::{Rates, collect};
use auction_postgres::queries::PostgresQueries;
use auction_redis::stream_stats::RedisStreamStats;
use auction_wire::PartitionId;
use auction_wire::operator_api::StreamsView;
use clap::Args;
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
    let redis = RedisStreamStats::new(portal.connections.redis.client().clone());
    let store = PostgresQueries::new(&portal.connections.stores, 1);
    let store = store.map_err(|error| ProcessError::Usage(error.to_string()))?;
    let mut before =
        collect(&redis, &store, &partitions).await.map_err(|error| portal.backend_error(&error))?;
    loop {
        tokio::time::sleep(every).await;
        let now = match collect(&redis, &store, &partitions).await {
            Ok(now) => now,
            Err(error) if watch => {
                eprintln!("{error}");
                continue;
            }
            Err(error) => return Err(portal.backend_error(&error)),
        };
        let rates = Rates::between(&before, &now);
        let text = if json { line(&now.view(&rates)) } else { table::text(&now, &rates) };
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

/// One look as one line. It is plain structs with text keys: writing them as JSON cannot fail.
fn line(view: &StreamsView) -> String {
    format!("{}\n", serde_json::to_string(view).unwrap_or_default())
}
