//! Load tests, fault injection and benchmarks of the portal.
//!
//! * `run`: puts a load on a portal by a named scenario (`scenarios` lists them), measures it, and checks
//!   every response against the stored data;
//! * `faults`: the same while the fault injector breaks processes, backends, networks, disks and clocks;
//! * `bench`: the benchmark table; each row has its own Redis and Postgres, which write everything to disk
//!   before they acknowledge it;
//! * `profile`: records where each component spends its CPU time.

#![allow(clippy::print_stdout, reason = "the tables are the result")]

mod bench;
mod checker;
mod commands;
mod faults;
mod local_portal;
mod report;
mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Error that ends a run; its text says what happened and what to do.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the benchmark table on private Redis and Postgres servers
    Bench(bench::BenchArgs),
    /// Record where each component spends its CPU time under load, as flame graphs
    Profile(bench::ProfileArgs),
    /// Inject faults under load and check that every guarantee holds
    #[command(
        after_help = "Exit status: 0 all guarantees held, 1 the run failed, 2 a guarantee was violated."
    )]
    Faults(faults::FaultArgs),
    /// Put a load on a portal, measure it, and check its responses
    #[command(
        after_help = "Exit status: 0 all checks passed, 1 the run failed, 2 a check failed, 3 a bound was missed."
    )]
    Run(Box<run::options::RunArgs>),
    /// List the scenarios of `run`
    Scenarios,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A failure to print cannot be reported. Invalid arguments exit with 1: status 2 means that a
            // check failed.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let result = match arguments.command {
        Command::Bench(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
        Command::Profile(arguments) => arguments.run().await.map(|()| ExitCode::SUCCESS),
        Command::Faults(arguments) => faults::run(arguments).await,
        Command::Run(arguments) => run::run(*arguments).await,
        Command::Scenarios => {
            run::scenarios::ALL
                .iter()
                .for_each(|scenario| println!("{}\n    {}", scenario.name, scenario.description));
            Ok(ExitCode::SUCCESS)
        }
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("auction-loadtest: {}", auction_postgres::error_text(&*failure));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const PAGES: [&str; 4] = [
        include_str!("../../docs/how-to/load-test.md"),
        include_str!("../../docs/explanation/testing.md"),
        include_str!("../../docs/reference/measurements.md"),
        include_str!("../../docs/reference/test-results.md"),
    ];

    /// Returns the command lines of a page: lines of blocks, and code spans in a text.
    fn command_lines(page: &str) -> Vec<String> {
        let page = page.replace("\\\n", " ");
        let (mut lines, mut in_block, mut text) = (Vec::new(), false, String::new());
        for line in page.lines() {
            match (line.starts_with("```"), in_block) {
                (true, _) => in_block = !in_block,
                (false, true) => lines.push(line.split(" #").next().unwrap_or_default().to_owned()),
                (false, false) => text = format!("{text} {line}"),
            }
        }
        lines.extend(text.split('`').skip(1).step_by(2).map(str::to_owned));
        lines.retain(|line| line.trim_start_matches("target/release/").starts_with("auction-loadtest "));
        lines
    }

    #[test]
    fn documented_command_lines_are_valid() {
        let lines: Vec<String> = PAGES.into_iter().flat_map(command_lines).collect();
        assert!(lines.len() >= 10, "only {} command lines found: is the search broken?", lines.len());
        for line in lines {
            let words = line.split_whitespace().map(|word| word.trim_matches('"'));
            let parsed = Arguments::try_parse_from(words).map(drop).map_err(|error| error.to_string());
            // A text may name a command without its arguments.
            let is_whole = !line.contains('…') && line.split_whitespace().count() > 2;
            assert!(parsed.is_ok() || !is_whole, "{line}: {}", parsed.unwrap_err());
        }
    }
}
