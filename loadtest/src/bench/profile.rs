//! Records where each component spends its CPU time while bids arrive by HTTP: a flame graph by `perf`, or,
//! where `perf` is not permitted, instruction counts by `callgrind`.

mod callgrind;
mod perf;

use crate::Failure;
use crate::bench::backlog::BidPattern;
use crate::bench::consumers::CONSUMERS;
use crate::bench::environment::{BenchEnvironment, Process, sync_disks};
use crate::bench::http_bids::place_all;
use crate::bench::running::{RunningPortal, start_ingress};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The same pattern as in the table.
const BID_PATTERN: BidPattern = BidPattern { users: 1000, auctions: 1000, bidders: 10 };

/// Interval for checking whether a recording has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Bids placed before the load checks for errors.
const BIDS_PER_BATCH: usize = 1000;

/// Arguments of `auction-loadtest profile`.
#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// Components to record: writer, projector, notifier, promoter, auctioneer, ingress; default: all
    #[arg(value_parser = ["writer", "projector", "notifier", "promoter", "auctioneer", "ingress"])]
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
                callgrind::record(&self).await
            }
        }
    }

    /// Returns the selected components, or all.
    fn components(&self) -> Vec<String> {
        if !self.components.is_empty() {
            return self.components.clone();
        }
        let others = CONSUMERS.iter().map(|component| (*component).to_owned());
        std::iter::once("writer".to_owned()).chain(others).chain(["ingress".to_owned()]).collect()
    }
}

/// A portal under a continuous load of bids.
struct BusyPortal {
    running: RunningPortal,
    ingress: Process,
    load: JoinHandle<Failure>,
}

impl BusyPortal {
    async fn start(bench: BenchEnvironment, connections: usize) -> Result<BusyPortal, Failure> {
        let running = RunningPortal::start_on(bench).await?;
        let (ingress, address) = start_ingress(&running.bench).await?;
        sync_disks()?;
        let load = tokio::spawn(bid_until_failure(address, connections));
        Ok(BusyPortal { running, ingress, load })
    }

    fn process(&self, component: &str) -> Result<&Process, Failure> {
        let process =
            if component == "ingress" { Some(&self.ingress) } else { self.running.process(component) };
        process.ok_or_else(|| format!("no process of component {component}").into())
    }

    /// Stops the load and the portal.
    async fn stop(self) -> Result<(), Failure> {
        if self.load.is_finished() {
            return Err(self.load.await?);
        }
        self.load.abort();
        self.ingress.end()?;
        self.running.end().await
    }
}

/// Places bids until an error occurs or the task is aborted.
async fn bid_until_failure(address: SocketAddr, connections: usize) -> Failure {
    let mut first = 0;
    loop {
        if let Err(failure) =
            place_all(address, connections, BID_PATTERN, first..first + BIDS_PER_BATCH).await
        {
            return failure;
        }
        first += BIDS_PER_BATCH;
    }
}

async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await; // duration of the recording
}
