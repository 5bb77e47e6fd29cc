//! The table: what the portal does on this machine, beside what the same machine can do at best.

mod decide;
mod footprint;
mod growth;
mod handlers;
mod latency;
mod pipeline;
mod report;
mod row;
mod target;

use crate::Failure;
use crate::bench::backlog::Crowd;
use crate::bench::resource_usage::{self, ResourceUsage};
use clap::Args;
use report::Report;
use row::Row;
use std::path::PathBuf;
use std::time::Instant;

/// `auction-loadtest bench`
#[derive(Args)]
pub(crate) struct TableArgs {
    /// Only these rows, such as 2b,5,6
    #[arg(long, value_enum, value_delimiter = ',', hide_possible_values = true)]
    rows: Vec<Row>,
    /// Times that rows 1 to 6b are measured, by turns; the table shows medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Bids of a row
    #[arg(long, default_value_t = 100_000)]
    bids: usize,
    /// Bids of row 4, which is slow
    #[arg(long, default_value_t = 30_000)]
    single_bids: usize,
    /// Who bid on each auction
    #[arg(long, default_value_t = 10)]
    bidders: usize,
    /// Connections to the ingress
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// For so long bids come at each rate of row 9
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Events that are stored in row 12
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000", value_parser = clap::value_parser!(u64).range(1000..))]
    events: Vec<u64>,
    /// Where the figures are written for programs
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
}

impl TableArgs {
    /// Who bids on what, in most rows.
    fn crowd(&self) -> Crowd {
        Crowd { users: 1000, auctions: 1000, bidders: self.bidders }
    }
}

/// One figure.
struct Measured {
    /// The row, and which of its figures: `2a`, `6 p99`.
    key: String,
    name: String,
    value: f64,
    unit: &'static str,
    cost: Option<ResourceUsage>,
}

impl Measured {
    /// So many bids in the time that they cost.
    fn rate(row: Row, bids: u64, cost: ResourceUsage) -> Measured {
        let value = bids as f64 / cost.took.as_secs_f64();
        let (key, name) = (row.key(), row.name().to_owned());
        Measured { key, name, value, unit: "bids/s", cost: Some(cost) }
    }

    /// Another figure of a row.
    fn of(row: Row, which: &str, name: &str, value: f64, unit: &'static str) -> Measured {
        let key = format!("{} {which}", row.key());
        Measured { key, name: name.to_owned(), value, unit, cost: None }
    }
}

pub(crate) async fn run(arguments: TableArgs) -> Result<(), Failure> {
    let (rows, began) = (row::selected(&arguments.rows), Instant::now());
    let mut report = Report::default();
    for round in 1..=arguments.rounds {
        for row in rows.iter().filter(|row| row.by_turns()) {
            let measured = in_a_round(*row, &arguments).await?;
            add(&mut report, &format!("round {round}, "), measured);
        }
    }
    for row in rows.iter().filter(|row| !row.by_turns()) {
        let most = report.median(&Row::Http.key()).unwrap_or_default();
        let measured = once(*row, most, &arguments).await?;
        add(&mut report, "", measured);
    }
    let report = report.in_order();
    println!(
        "\n{} cores shared by everything; {} rounds of rows 1 to 8 and 12, medians; {} bids a row; {:.0} min\n",
        resource_usage::cores(),
        arguments.rounds,
        report::number(arguments.bids as f64),
        began.elapsed().as_secs_f64() / 60.0
    );
    println!("{}", report.table());
    report.write(&arguments.json)
}

fn add(report: &mut Report, round: &str, measured: Vec<Measured>) {
    for measured in measured {
        let Measured { key, name, value, unit, .. } = &measured;
        println!("{round}{key}: {name}: {value:.1} {unit}");
        report.add(measured);
    }
}

async fn in_a_round(row: Row, arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    match row {
        Row::Streams => pipeline::streams(arguments).await,
        Row::Http => pipeline::http(arguments).await,
        Row::BareHttp => pipeline::bare_http(arguments).await,
        _ => decide::measure(row, arguments).await,
    }
}

/// `most` is what row 6 came to.
async fn once(row: Row, most: f64, arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    match row {
        Row::BareHandlers => handlers::measure(arguments).await,
        Row::Latency => latency::measure(most, arguments).await,
        Row::Memory => {
            let mut measured = footprint::measure(arguments).await?;
            measured.extend(footprint::bounded(arguments).await?);
            Ok(measured)
        }
        Row::Growth => growth::measure(arguments).await,
        // Rows 8 and 11 are measured with 7 and 10.
        _ => Ok(Vec::new()),
    }
}
