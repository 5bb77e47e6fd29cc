//! `portal verify`: what is stored, published and shown is the same.

use crate::connections::Connections;
use crate::process::ProcessError;
use crate::settings::{Layers, Settings};
use crate::up::servers_file;
use auction_app::verify::{PartitionReport, verify};
use auction_app::write::aggregates::LoadError;
use auction_redis::stream_info::RedisStreamInfo;
use auction_redis::views::RedisViews;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// `portal verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The data directory of a `portal up` that runs on private servers.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// A file with settings instead, for servers that were there before.
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Compares everything and returns what there is to read, and whether all is well.
pub async fn run(args: VerifyArgs) -> Result<(String, bool), ProcessError> {
    let given = Layers { file: args.config, ..Layers::default() };
    let mut settings = Settings::load(&given)?;
    let private = settings.redis_url.is_none() && settings.database_url.is_none();
    if private {
        let file = servers_file(&args.data_dir);
        if !file.exists() {
            return Err(ProcessError::Usage(format!(
                "{} is not there: name the data directory of a running `portal up` with --data-dir, or set \
                 REDIS_URL and DATABASE_URL",
                file.display()
            )));
        }
        settings = Settings::load(&Layers { file: Some(file), ..given })?;
    }
    let connections = Connections::new(&settings)?;
    let views = RedisViews::new(connections.redis_pool.clone(), connections.partitions);
    let streams = RedisStreamInfo::new(connections.redis_pool.clone());
    let reports = verify(&connections.stores, &streams, &views, connections.partitions).await;
    let reports = match reports {
        Err(LoadError::Unavailable(error)) if private => {
            let data_dir = args.data_dir.display();
            return Err(ProcessError::Usage(format!("{error}. Does `portal up --data-dir {data_dir}` run?")));
        }
        reports => reports?,
    };
    Ok((text(&reports), reports.iter().all(|report| report.differences.is_empty())))
}

fn text(reports: &[PartitionReport]) -> String {
    let mut text = String::from(
        "partition   stored  on stream   users  auctions  lists of own bids  listed  differences\n",
    );
    for report in reports {
        let differences = report.differences.len() as u64 + report.more;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:>9} {:>8} {:>10} {:>7} {:>9} {:>18} {:>7} {:>12}",
            report.partition.to_string(),
            report.stored,
            report.published,
            report.users,
            report.auctions,
            report.own_bids,
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
