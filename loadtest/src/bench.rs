//! Benchmarks. Each starts a Redis and a Postgres of its own, with everything on disk before it is acknowledged.
//!
//! Without a name: the table, what the portal does beside what the same machine can do at best. With a name, one of:
//!
//! * `channels`: how long a user or auction created now waits behind a backlog of bids;
//! * `rush`: how many notifications a closing rush makes, and how fast;
//! * `project`: how fast stored bids become views, by the projector and by a rebuild;
//! * `live`: how long after its commit a bid is told to ten thousand listeners, and what each of them costs;
//! * `freshness`: how long after its commit a bid can be read, at a steady rate.

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

/// `auction-loadtest bench`
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
    /// How long a creation waits behind a backlog of bids
    Channels(channels::ChannelsArgs),
    /// How many notifications a closing rush makes, and how fast
    Rush(rush::RushArgs),
    /// How fast stored bids become views
    Project(project::ProjectArgs),
    /// How long after its commit a bid is told to ten thousand listeners
    Live(live::LiveArgs),
    /// How long after its commit a bid can be read, at a steady rate
    Freshness(freshness::FreshnessArgs),
    /// The bare handlers that the table compares with
    #[command(hide = true)]
    Bare(bare::BareArgs),
    /// The bare probe that the table compares with
    #[command(hide = true)]
    Probe,
}

impl BenchArgs {
    /// Measures, and prints.
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
