//! Benchmarks. Each starts its own Redis and Postgres, which write everything to disk before they acknowledge
//! it.
//!
//! Without a name, the table is measured: the portal compared with the best result of the same machine. The
//! named benchmarks are:
//!
//! * `channels`: how long the creation of a user or auction takes during a backlog of bids;
//! * `rush`: how many notifications a closing rush creates, and how fast;
//! * `project`: how fast stored bids become read models, by the projector and by a rebuild;
//! * `live`: delay from the commit of a bid until ten thousand live listeners receive it, and the cost of
//!   each listener;
//! * `freshness`: delay from the commit of a bid until it can be read, at a constant rate.

mod backlog;
mod bare;
mod channels;
mod client;
mod consumers;
mod environment;
mod freshness;
mod http_bids;
mod live;
mod probe;
mod profile;
mod project;
mod read_models;
mod resource_usage;
mod running;
mod rush;
mod single;
mod table;

pub(crate) use profile::ProfileArgs;

use crate::Failure;
use clap::{Args, Subcommand};

/// Arguments of `auction-loadtest bench`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    benchmark: Option<Benchmark>,
    #[command(flatten)]
    table: table::TableArgs,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Measure how long a creation takes during a backlog of bids
    Channels(channels::ChannelsArgs),
    /// Measure how many notifications a closing rush creates, and how fast
    Rush(rush::RushArgs),
    /// Measure how fast stored bids become read models
    Project(project::ProjectArgs),
    /// Measure the delay from the commit of a bid to ten thousand live listeners
    Live(live::LiveArgs),
    /// Measure the delay from the commit of a bid until it can be read
    Freshness(freshness::FreshnessArgs),
    /// Run the bare handlers that the table compares with
    #[command(hide = true)]
    Bare(bare::BareArgs),
    /// Run the bare probe that the table compares with
    #[command(hide = true)]
    Probe,
}

impl BenchArgs {
    /// Runs the benchmark and prints its results.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.benchmark {
            None => table::run(self.table).await,
            Some(Benchmark::Channels(arguments)) => channels::run(arguments).await,
            Some(Benchmark::Rush(arguments)) => rush::run(arguments).await,
            Some(Benchmark::Project(arguments)) => project::run(arguments).await,
            Some(Benchmark::Live(arguments)) => live::run(arguments).await,
            Some(Benchmark::Freshness(arguments)) => freshness::run(arguments).await,
            Some(Benchmark::Bare(arguments)) => bare::run(arguments).await,
            Some(Benchmark::Probe) => probe::run().await,
        }
    }
}
