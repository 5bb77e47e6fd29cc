//! How fast the portal is, and how right while it is fast.
//!
//! * `bench`: benchmarks, each on a Redis and a Postgres of its own, with everything on disk before it is
//!   acknowledged;
//! * `profile`: what each role spends its time with.

#![allow(clippy::print_stdout, reason = "the tables are the result")]

mod bench;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What can go wrong stops a run; the text says what.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the table, or with a name one thing, on servers of its own
    Bench(bench::BenchArgs),
    /// Record what each role spends its time with under load, as flame graphs
    Profile(bench::ProfileArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ran = match Arguments::parse().command {
        Command::Bench(arguments) => arguments.run().await,
        Command::Profile(arguments) => arguments.run().await,
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("auction-loadtest: {failure}");
            ExitCode::FAILURE
        }
    }
}
