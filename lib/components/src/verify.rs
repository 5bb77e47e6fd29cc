//! `portal verify`: what is stored, published and shown is the same.

use crate::operator::ServersArgs;
use crate::process::ProcessError;
use auction_app::operator::verify::{PartitionReport, verify};
use auction_app::writer::aggregate_cache::LoadError;
use auction_redis::stream_info::RedisStreamInfo;
use auction_redis::views::RedisViews;
use clap::Args;
use std::fmt::Write;

/// `portal verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    servers: ServersArgs,
}

/// Compares everything and returns what there is to read, and whether all is well.
pub async fn run(args: VerifyArgs) -> Result<(String, bool), ProcessError> {
    let portal = args.servers.connect()?;
    let connections = &portal.connections;
    let views = RedisViews::new(connections.redis_pool.clone(), connections.partitions);
    let streams = RedisStreamInfo::new(connections.redis_pool.clone());
    let reports = match verify(&connections.stores, &streams, &views, connections.partitions).await {
        Err(LoadError::Unavailable(error)) => return Err(portal.backend_error(&error)),
        reports => reports?,
    };
    Ok((text(&reports), reports.iter().all(|report| report.differences.is_empty())))
}

fn text(reports: &[PartitionReport]) -> String {
    let mut text = String::from(
        "partition   stored  on stream   users  auctions    bids  bidders  listed  differences\n",
    );
    for report in reports {
        let differences = report.differences.len() as u64 + report.more;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:>9} {:>8} {:>10} {:>7} {:>9} {:>7} {:>8} {:>7} {:>12}",
            report.partition.to_string(),
            report.stored,
            report.published,
            report.users,
            report.auctions,
            report.bids,
            report.bidders,
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
