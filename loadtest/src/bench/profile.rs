//! What each role spends its time with while bids come by HTTP: a flame graph of each, by `perf`; or where that is not
//! permitted, what `callgrind` says.

mod callgrind;
mod perf;

use crate::Failure;
use crate::bench::backlog::Crowd;
use crate::bench::consumers::CONSUMERS;
use crate::bench::environment::{BenchEnvironment, Process, quiet};
use crate::bench::http_bids::place_all;
use crate::bench::running::{Running, start_ingress};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Who bids on what, as in the table.
const CROWD: Crowd = Crowd { users: 1000, auctions: 1000, bidders: 10 };

/// Between two looks whether a recording is over.
const LOOK: Duration = Duration::from_millis(100);

/// Bids in one go.
const SOME: usize = 1000;

/// `auction-loadtest profile`
#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// Only these, of: writer, projector, notifier, promoter, auctioneer, ingress
    #[arg(value_parser = ["writer", "projector", "notifier", "promoter", "auctioneer", "ingress"])]
    roles: Vec<String>,
    /// How long it is recorded
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections by which bids come
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Where the graphs are written
    #[arg(long, default_value = "target/profile")]
    directory: PathBuf,
}

impl ProfileArgs {
    /// Records, and says where the graphs are.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.directory)?;
        match perf::permitted() {
            Ok(()) => perf::record(&self).await,
            Err(why) => {
                println!(
                    "perf cannot be used: {why}\n\
                     As root, `sysctl kernel.perf_event_paranoid=1` may permit it; in a container it needs CAP_PERFMON.\n\
                     So each role is run under callgrind, about fifty times slower, and there are no flame graphs."
                );
                callgrind::record(&self).await
            }
        }
    }

    /// Those that are asked for, or all.
    fn roles(&self) -> Vec<String> {
        if !self.roles.is_empty() {
            return self.roles.clone();
        }
        let others = CONSUMERS.iter().map(|role| (*role).to_owned());
        std::iter::once("writer".to_owned()).chain(others).chain(["ingress".to_owned()]).collect()
    }
}

/// A portal on which somebody bids without end.
struct Busy {
    running: Running,
    ingress: Process,
    load: JoinHandle<Failure>,
}

impl Busy {
    async fn start(bench: BenchEnvironment, connections: usize) -> Result<Busy, Failure> {
        let running = Running::start_on(bench).await?;
        let (ingress, address) = start_ingress(&running.bench).await?;
        quiet()?;
        let load = tokio::spawn(bid_on(address, connections));
        Ok(Busy { running, ingress, load })
    }

    fn process(&self, role: &str) -> Result<&Process, Failure> {
        let process = if role == "ingress" { Some(&self.ingress) } else { self.running.process(role) };
        process.ok_or_else(|| format!("there is no {role}").into())
    }

    /// Ends the load, and everything else.
    async fn stop(self) -> Result<(), Failure> {
        if self.load.is_finished() {
            return Err(self.load.await?);
        }
        self.load.abort();
        self.ingress.end()?;
        self.running.end().await
    }
}

/// Until it fails, or is not needed any more.
async fn bid_on(address: SocketAddr, connections: usize) -> Failure {
    let mut first = 0;
    loop {
        if let Err(failure) = place_all(address, connections, CROWD, first..first + SOME).await {
            return failure;
        }
        first += SOME;
    }
}

async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await; // as long as is recorded
}
