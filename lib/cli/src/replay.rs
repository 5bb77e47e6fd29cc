//! `replay`: play a bidding history against the portal, over HTTP like everybody else, and compare its
//! winners with the recorded prices.
//!
//! [`history`] reads the file, [`run`] plays it, [`report`] adds it up.

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
use report::{Frame, Report};
use run_id::RunId;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Flags of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// A CSV file with at least the columns auction, item, opening_bid, closing_price, bid, day_offset and
    /// bidder, in any order; one bid a row.
    #[arg(value_name = "FILE.csv", verbatim_doc_comment)]
    pub file: PathBuf,
    /// What its amounts are in.
    #[arg(long, default_value = "USD")]
    pub currency: String,
    /// How many auctions are played side by side.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub parallel: u16,
    /// Give up when nothing was decided for so long.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = crate::duration::read)]
    pub give_up_after: Duration,
    /// Continue an earlier replay of the same file; its id was printed when it started.
    #[arg(long, value_name = "ID")]
    pub run: Option<RunId>,
    /// Print the summary as one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn replay(client: &Client, screen: &Console, args: &ReplayArgs) -> Result<(), CliError> {
    let history = history::read(&args.file, &args.currency)?;
    for remark in &history.remarks {
        screen.eprint(remark);
    }
    let run = args.run.unwrap_or_else(RunId::fresh);
    if run.ends_at() <= RunId::now() {
        return Err(CliError::Usage(
            "that replay is too old to be continued: its auctions are over; start a new one",
        ));
    }
    screen.eprint(&format!(
        "replay {run}: {} bids of {} bidders in {} auctions",
        history.bids(),
        history.bidders.len(),
        history.auctions.len()
    ));
    let started = Instant::now();
    let options = run::PlayOptions { run, args };
    let results = run::play(client, screen, &history, &options).await;
    let report = Report::new(&results, Frame { history: &history, run, took: started.elapsed() });
    if args.json {
        screen.json(&report.summary);
    } else {
        report.lines(&results, &args.currency).iter().for_each(|line| screen.line(line));
    }
    let unfinished = report::unfinished(&results);
    if unfinished.is_empty() {
        return Ok(());
    }
    unfinished.iter().for_each(|line| screen.eprint(line));
    screen.eprint(&format!(
        "continue with: portal replay {} --url {} --currency {} --run {run}",
        args.file.display(),
        client.url(),
        args.currency
    ));
    Err(CliError::Unfinished)
}

/// An amount of the history, for people.
fn show_amount(minor_units: u64, currency: &str) -> String {
    money::plain(minor_units, currency)
}
