//! Records where each component spends its CPU time while bids arrive by HTTP: a flame graph by `perf`, or,
//! where `perf` is not permitted, instruction counts by `callgrind`.

mod perf;

use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, BidPattern, place_bids};
use crate::local_portal::COMPONENTS;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The same pattern as in the table.
const BID_PATTERN: BidPattern = BidPattern { users: 1000, first: 0, auctions: 1000, bidders: 10 };

/// Interval for checking whether a recording has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Bids placed before the load checks for errors.
const BIDS_PER_BATCH: usize = 1000;

/// Few connections, because the component under `callgrind` is slow.
const CALLGRIND_CONNECTIONS: usize = 4;

/// Arguments of `auction-loadtest profile`.
#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// Components to record: writer, projector, notifier, promoter, auctioneer, ingress; default: all
    #[arg(value_parser = COMPONENTS)]
    components: Vec<String>,
    /// Duration of the recording in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Number of connections that place bids
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Directory to write the profiles to
    #[arg(long, default_value = "target/profile")]
    directory: PathBuf,
}

impl ProfileArgs {
    /// Records the profiles and prints their paths.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.directory)?;
        match perf::permitted() {
            Ok(()) => perf::record(&self).await,
            Err(reason) => {
                println!(
                    "perf cannot be used: {reason}\n\
                     To permit it, run `sysctl kernel.perf_event_paranoid=1` as root; a container needs CAP_PERFMON.\n\
                     Using callgrind instead: each component runs about fifty times slower, and there are no flame graphs."
                );
                count_instructions(&self).await
            }
        }
    }

    /// Returns the selected components, or all.
    fn components(&self) -> Vec<String> {
        match &self.components[..] {
            [] => COMPONENTS.map(str::to_owned).to_vec(),
            selected => selected.to_vec(),
        }
    }
}

/// Continuous load of bids on a portal.
struct Load(JoinHandle<Failure>);

impl Load {
    /// Starts all components and the load on them.
    async fn start(bench: &mut BenchPortal, connections: usize) -> Result<Load, Failure> {
        bench.start_all().await?;
        let (http, run_ids) = (bench.start_ingress().await?, Arc::new(bench.run_ids.clone()));
        Ok(Load(tokio::spawn(async move {
            for first in (0..).step_by(BIDS_PER_BATCH) {
                let bids = (first..first + BIDS_PER_BATCH).map(|n| BID_PATTERN.bid(n));
                if let Err(failure) = place_bids(&http, &run_ids, connections, bids).await {
                    return failure;
                }
            }
            "the load ended".into()
        })))
    }

    /// Stops the load; returns its error if it failed.
    async fn stop(self) -> Result<(), Failure> {
        if self.0.is_finished() {
            return Err(self.0.await?);
        }
        self.0.abort();
        Ok(())
    }
}

/// Counts the instructions of one component after the other by `callgrind`.
async fn count_instructions(arguments: &ProfileArgs) -> Result<(), Failure> {
    for component in arguments.components() {
        let mut bench = BenchPortal::start(BID_PATTERN.users, BID_PATTERN.auctions).await?;
        let counts = arguments.directory.join(format!("{component}.callgrind"));
        let out = format!("--callgrind-out-file={}", counts.display());
        let line = ["valgrind", "-q", "--tool=callgrind", &out].map(str::to_owned).to_vec();
        bench.portal.wrapper = Some((component, line));
        let load = Load::start(&mut bench, CALLGRIND_CONNECTIONS).await?;
        tokio::time::sleep(Duration::from_secs(arguments.seconds)).await; // duration of the recording
        load.stop().await?;
        bench.portal.stop().await?;
        println!("{0}: open with `callgrind_annotate {0}` or kcachegrind", counts.display());
    }
    Ok(())
}
