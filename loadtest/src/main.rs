//! How fast the portal is, and how right while it is fast.
//!
//! * `run`: a load on a portal, by a scenario that has a name (`scenarios` lists them), and a judge who holds what
//!   was answered against what happened;
//! * `faults`: the same while processes, servers, networks, disks and clocks fail;
//! * `bench`: benchmarks, each on a Redis and a Postgres of its own, with everything on disk before it is
//!   acknowledged;
//! * `profile`: what each role spends its time with.

#![allow(clippy::print_stdout, reason = "the tables are the result")]

mod bench;
mod checker;
mod faults;
mod report;
mod run;

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
    BenchEnvironment(bench::BenchArgs),
    /// Record what each role spends its time with under load, as flame graphs
    Profile(bench::ProfileArgs),
    /// Have whatever can go wrong go wrong under load, and judge whether every promise was kept
    #[command(after_help = "Exit status: 0 fine, 1 could not run, 2 a promise was broken.")]
    Faults(faults::FaultArgs),
    /// Put a load on a portal, measure, and judge what it answered
    #[command(
        after_help = "Exit status: 0 fine, 1 could not run, 2 the judge found something wrong, 3 a bound was missed."
    )]
    Run(Box<run::options::RunArgs>),
    /// List the scenarios
    Scenarios,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => {
            // Nobody is there to read it, if that fails. What cannot be understood could not run: 2 is for the judge.
            let _ = told.print();
            return if told.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let ran = match arguments.command {
        Command::BenchEnvironment(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
        Command::Profile(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
        Command::Faults(arguments) => faults::run(arguments).await,
        Command::Run(arguments) => run::run(*arguments).await,
        Command::Scenarios => {
            run::scenarios::ALL
                .iter()
                .for_each(|scenario| println!("{}\n    {}", scenario.name, scenario.about));
            Ok(ExitCode::SUCCESS)
        }
    };
    match ran {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("auction-loadtest: {failure}");
            ExitCode::FAILURE
        }
    }
}
