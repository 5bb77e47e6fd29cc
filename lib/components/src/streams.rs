//! `portal streams`: length, lag and owner of every stream and consumer group.

mod repair;
mod table;

use crate::operator::{BackendArgs, CommandOutput};
use crate::process::{ProcessError, Running};
use crate::stderr;
use auction_app::operator::stream_stats::{Rates, collect};
use auction_redis::stream_stats::RedisStreamStats;
use auction_wire::PartitionId;
use auction_wire::operator_api::StreamsView;
use clap::{Args, Subcommand};
use std::io::Write;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct StreamsArgs {
    #[command(subcommand)]
    command: Option<StreamsCommand>,
    /// Show only this partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// Time over which rates are measured, and between reports of --watch
    #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = seconds)]
    interval: Duration,
    /// Report repeatedly until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Print each report as a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    backends: BackendArgs,
}

#[derive(Debug, Subcommand)]
enum StreamsCommand {
    /// Move command streams back whose times are ahead, after the clock of Redis was wrong
    Repair(repair::RepairArgs),
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.05..=3600.0).contains(&seconds) {
        return Err("must be from 0.05 to 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Runs `portal streams`. Reads the streams at least twice, to measure rates. The reports are printed at once.
pub fn run(mut args: StreamsArgs) -> Running<CommandOutput> {
    match args.command.take() {
        Some(StreamsCommand::Repair(args)) => repair::run(args),
        None => Box::pin(async move {
            execute(args, &mut std::io::stdout()).await?;
            Ok(CommandOutput::success(String::new()))
        }),
    }
}

async fn execute(args: StreamsArgs, out: &mut impl Write) -> Result<(), ProcessError> {
    let StreamsArgs { partition, interval, watch, json, backends, .. } = args;
    let context = backends.connect().await?;
    let all = context.connections.partitions;
    let partitions: Vec<PartitionId> =
        all.all().filter(|one| partition.is_none_or(|wanted| wanted == one.0)).collect();
    if partitions.is_empty() {
        return Err(ProcessError::Usage(format!("--partition must be from 0 to {}", all.get() - 1)));
    }
    let redis = RedisStreamStats::new(context.connections.redis.clone());
    let mut before = context.check(collect(&redis, &context.store, &partitions).await)?;
    loop {
        tokio::time::sleep(interval).await;
        let now = match collect(&redis, &context.store, &partitions).await {
            Ok(now) => now,
            Err(error) if watch => {
                stderr::line(&error);
                continue;
            }
            Err(error) => return Err(context.backend_error(&error)),
        };
        let rates = Rates::between(&before, &now);
        let text = if json { json_line(&now.view(&rates)) } else { table::text(&now, &rates) };
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

/// Returns a report as a line of JSON. Structs with text keys always serialize.
fn json_line(view: &StreamsView) -> String {
    format!("{}\n", serde_json::to_string(view).unwrap_or_default())
}
