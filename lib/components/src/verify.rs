//! `portal verify`: compares the stored events, the published events and the read models.

use crate::operator::{BackendArgs, CommandOutput};
use crate::process::{ProcessError, Running};
use auction_app::consume::stored_events::LoadError;
use auction_app::operator::verify::{PartitionReport, verify};
use auction_redis::stream_info::RedisStreamInfo;
use auction_redis::views::RedisReadModelReader;
use clap::Args;
use std::fmt::Write;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    backends: BackendArgs,
}

/// Runs `portal verify`. Succeeds if there are no differences.
pub fn run(args: VerifyArgs) -> Running<CommandOutput> {
    Box::pin(execute(args))
}

async fn execute(args: VerifyArgs) -> Result<CommandOutput, ProcessError> {
    let context = args.backends.connect().await?;
    let connections = &context.connections;
    let views = RedisReadModelReader::new(connections.redis_pool.clone(), connections.partitions);
    let streams = RedisStreamInfo::new(connections.redis_pool.clone());
    let reports = match verify(&connections.stores, &streams, &views, connections.partitions).await {
        Err(LoadError::Unavailable(error)) => return Err(context.backend_error(&error)),
        reports => reports?,
    };
    let success = reports.iter().all(|report| report.differences.is_empty());
    Ok(CommandOutput { text: text(&reports), success })
}

fn text(reports: &[PartitionReport]) -> String {
    let mut text = String::from("partition   stored  on stream  documents  entries  listed  differences\n");
    for report in reports {
        let differences = report.differences.len() as u64 + report.more;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:>9} {:>8} {:>10} {:>10} {:>8} {:>7} {:>12}",
            report.partition.to_string(),
            report.stored,
            report.published,
            report.documents,
            report.entries,
            report.listed,
            differences,
        );
    }
    for report in reports {
        for difference in &report.differences {
            let _ = writeln!(text, "partition {}: {difference}", report.partition);
        }
        if report.more > 0 {
            let _ = writeln!(text, "partition {}: and {} more", report.partition, report.more);
        }
    }
    text
}
