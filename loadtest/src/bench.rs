//! Benchmarks. Each starts a Redis and a Postgres of its own, with everything on disk
//! before it is acknowledged, and prints a table.
//!
//! * `drain`: how fast a backlog of bids is decided, beside a bare probe of the same protocol and beside
//!   one command per transaction;
//! * `channels`: how long a user or auction created now waits behind a backlog of bids;
//! * `rush`: how many notifications a closing rush makes, and how fast;
//! * `project`: how fast stored bids become views, by the projector and by a rebuild;
//! * `http`: how fast an auction is read and bids are taken by HTTP, beside bare handlers of the same bytes;
//! * `live`: how long after its commit a bid is told to ten thousand listeners, and what each of them costs;
//! * `freshness`: how long after its commit a bid can be read, at a steady rate.

mod backlog;
mod channels;
mod drain;
mod freshness;
mod http;
mod live;
mod project;
mod rush;
mod servers;
mod viewing;

use crate::Failure;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Benchmark {
    /// How fast a backlog of bids is decided
    Drain(drain::DrainArgs),
    /// How long a creation waits behind a backlog of bids
    Channels(channels::ChannelsArgs),
    /// How many notifications a closing rush makes, and how fast
    Rush(rush::RushArgs),
    /// How fast stored bids become views
    Project(project::ProjectArgs),
    /// How fast an auction is read and bids are taken by HTTP
    Http(http::HttpArgs),
    /// The bare handlers beside it
    #[command(hide = true)]
    Bare(http::BareArgs),
    /// How long after its commit a bid is told to ten thousand listeners
    Live(live::LiveArgs),
    /// How long after its commit a bid can be read, at a steady rate
    Freshness(freshness::FreshnessArgs),
}

impl Benchmark {
    /// Measures, and prints.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Benchmark::Drain(arguments) => drain::run(arguments).await,
            Benchmark::Channels(arguments) => channels::run(arguments).await,
            Benchmark::Rush(arguments) => rush::run(arguments).await,
            Benchmark::Project(arguments) => project::run(arguments).await,
            Benchmark::Http(arguments) => http::run(arguments).await,
            Benchmark::Bare(arguments) => http::bare(arguments).await,
            Benchmark::Live(arguments) => live::run(arguments).await,
            Benchmark::Freshness(arguments) => freshness::run(arguments).await,
        }
    }
}
