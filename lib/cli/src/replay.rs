//! `replay`: plays a bidding history against the portal over HTTP, and compares its winners with the recorded
//! prices.
//!
//! [`history`] reads the file, [`run`] plays it, [`report`] summarizes the results.

pub(crate) mod history;
mod participants;
mod report;
mod run;
mod run_id;

use crate::client::Client;
use crate::console::Console;
use crate::error::CliError;
use crate::money;
use clap::Args;
use report::{Report, ReportContext};
use run_id::RunId;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// CSV file with one bid per row, and at least the columns auction, item, opening_bid, closing_price,
    /// bid, day_offset and bidder, in any order.
    #[arg(value_name = "FILE.csv", verbatim_doc_comment)]
    pub file: PathBuf,
    /// Currency of the amounts.
    #[arg(long, default_value = "USD")]
    pub currency: String,
    /// Number of auctions played concurrently.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// Give up when no command was decided for this time.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = crate::duration::read)]
    pub idle_timeout: Duration,
    /// Continue an earlier replay of the same file. Its id was printed when it started.
    #[arg(long, value_name = "ID")]
    pub run: Option<RunId>,
    /// Print the summary as one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn replay(client: &Client, console: &Console, args: &ReplayArgs) -> Result<(), CliError> {
    let history = history::read(&args.file, &args.currency)?;
    for warning in &history.warnings {
        console.eprint(warning);
    }
    let run = args.run.unwrap_or_else(RunId::fresh);
    if run.ends_at() <= RunId::now() {
        return Err(CliError::Usage(
            "this replay is too old to be continued: its auctions have ended; start a new one without --run",
        ));
    }
    console.eprint(&format!(
        "replay {run}: {} bids of {} bidders in {} auctions",
        history.bids(),
        history.bidders.len(),
        history.auctions.len()
    ));
    let started = Instant::now();
    let options = run::PlayOptions { run, args };
    let results = run::play(client, console, &history, &options).await;
    let report = Report::new(&results, ReportContext { history: &history, run, took: started.elapsed() });
    if args.json {
        console.json(&report.summary);
    } else {
        report.lines(&results, &args.currency).iter().for_each(|line| console.line(line));
    }
    let unfinished = report::unfinished(&results);
    if unfinished.is_empty() {
        return Ok(());
    }
    unfinished.iter().for_each(|line| console.eprint(line));
    console.eprint(&format!(
        "continue with: portal replay {} --url {} --currency {} --run {run}",
        args.file.display(),
        client.url(),
        args.currency
    ));
    Err(CliError::Unfinished)
}

fn show_amount(minor_units: u64, currency: &str) -> String {
    money::plain(minor_units, currency)
}
