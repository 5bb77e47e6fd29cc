//! The benchmark table: the portal compared with the best result of the same machine. Each row starts its own
//! Redis and Postgres, which write everything to disk before they acknowledge it.

mod bare;
mod bench_portal;
mod probe;
mod profile;
mod resource_usage;
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
    baseline: Option<Baseline>,
    #[command(flatten)]
    table: table::TableArgs,
}

/// Programs that the table compares with, each in a process of its own.
#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum Baseline {
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
        match self.baseline {
            None => table::run(self.table).await,
            Some(Baseline::Bare(arguments)) => bare::run(arguments).await,
            Some(Baseline::Probe) => probe::run().await,
        }
    }
}
