//! `portal rebuild`: rebuilds the read models as a new generation, while the current one stays in use.

use crate::operator::{BackendArgs, CommandOutput};
use crate::process::{ProcessError, Running};
use auction_app::ports::views::generations::Generations;
use auction_app::projector::rebuild::{RebuildError, RebuildReport, rebuild};
use auction_redis::views::RedisGenerations;
use clap::Args;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::Instant;

#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Partition to rebuild [default: all, one after the other]
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// Maximum number of auctions in memory
    #[arg(long, value_name = "NUMBER", default_value = "100000")]
    auction_cache_size: NonZeroUsize,
    #[command(flatten)]
    backends: BackendArgs,
}

pub fn run(args: RebuildArgs) -> Running<CommandOutput> {
    Box::pin(execute(args))
}

async fn execute(args: RebuildArgs) -> Result<CommandOutput, ProcessError> {
    let context = args.backends.connect().await?;
    let connections = &context.connections;
    let generations = RedisGenerations::new(connections.redis.clone(), connections.redis_pool.clone());
    let mut text =
        String::from("partition  generation   events  events/s  auctions: unchanged  newer  different\n");
    let (started, mut events) = (Instant::now(), 0);
    for partition in connections.partitions.all() {
        if args.partition.is_some_and(|only| only != partition.0) {
            continue;
        }
        let report =
            rebuild(&connections.stores, &generations, &context.store, partition, args.auction_cache_size);
        let report = report.await.map_err(|error| match error {
            RebuildError::Unavailable(error) => context.backend_error(&error),
            error => ProcessError::Rebuild(error),
        })?;
        events += report.events;
        write_report(&mut text, &report);
    }
    let took = started.elapsed();
    let deleted = context.check(generations.drop_old().await)?;
    // Writing into a string cannot fail.
    let _ = writeln!(
        text,
        "{events} events in {:.1} s, {:.0} events/s; {deleted} old keys deleted",
        took.as_secs_f64(),
        events as f64 / took.as_secs_f64().max(0.001)
    );
    Ok(CommandOutput::success(text))
}

fn write_report(text: &mut String, report: &RebuildReport) {
    let RebuildReport { partition, generation, events, took, comparison } = report;
    let per_second = *events as f64 / took.as_secs_f64().max(0.001);
    let _ = writeln!(
        text,
        "{:>9} {:>11} {events:>8} {per_second:>9.0} {:>20} {:>6} {:>10}",
        partition.to_string(),
        generation.to_string(),
        comparison.same,
        comparison.moved,
        comparison.differ,
    );
    for differing in &comparison.differing {
        let _ = writeln!(text, "          {differing} has changed");
    }
}
