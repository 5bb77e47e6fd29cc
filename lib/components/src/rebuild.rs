//! `portal rebuild`: views made anew beside the live ones, which go on being read and written meanwhile.

use crate::operator::ServersArgs;
use crate::process::ProcessError;
use auction_app::ports::views::generations::Generations;
use auction_app::projector::rebuild::{RebuildError, RebuildReport, rebuild};
use auction_postgres::queries::PostgresQueries;
use auction_redis::views::RedisGenerations;
use clap::Args;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::Instant;

/// `portal rebuild`
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Only this partition; else one after the other
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// At most so many auctions in memory
    #[arg(long, value_name = "NUMBER", default_value = "100000")]
    cached_auctions: NonZeroUsize,
    #[command(flatten)]
    servers: ServersArgs,
}

/// Makes them anew and returns what there is to read.
pub async fn run(args: RebuildArgs) -> Result<(String, bool), ProcessError> {
    let portal = args.servers.connect()?;
    let connections = &portal.connections;
    let parking = PostgresQueries::new(&connections.stores, 1);
    let parking = parking.map_err(|error| ProcessError::Usage(error.to_string()))?;
    let generations = RedisGenerations::new(connections.redis.clone(), connections.redis_pool.clone());
    let mut text = String::from(
        "partition  generation   events  events/s  auctions: same as before  moved on  differ\n",
    );
    let (began, mut events) = (Instant::now(), 0);
    for partition in connections.partitions.all() {
        if args.partition.is_some_and(|only| only != partition.0) {
            continue;
        }
        let rebuilt =
            rebuild(&connections.stores, &generations, &parking, partition, args.cached_auctions).await;
        let rebuilt = rebuilt.map_err(|error| match error {
            RebuildError::Unavailable(error) => portal.backend_error(&error),
            error => ProcessError::Rebuild(error),
        })?;
        events += rebuilt.events;
        line(&mut text, &rebuilt);
    }
    let took = began.elapsed();
    let dropped = generations.drop_old().await.map_err(|error| portal.backend_error(&error))?;
    // Writing into a string cannot fail.
    let _ = writeln!(
        text,
        "{events} events in {:.1} s, {:.0} events/s; {dropped} old keys dropped",
        took.as_secs_f64(),
        events as f64 / took.as_secs_f64().max(0.001)
    );
    Ok((text, true))
}

fn line(text: &mut String, rebuilt: &RebuildReport) {
    let RebuildReport { partition, generation, events, took, comparison } = rebuilt;
    let per_second = *events as f64 / took.as_secs_f64().max(0.001);
    let _ = writeln!(
        text,
        "{:>9} {:>11} {events:>8} {per_second:>9.0} {:>25} {:>9} {:>7}",
        partition.to_string(),
        generation.to_string(),
        comparison.same,
        comparison.moved,
        comparison.differ,
    );
    for differing in &comparison.differing {
        let _ = writeln!(text, "          {differing} was shown differently");
    }
}
