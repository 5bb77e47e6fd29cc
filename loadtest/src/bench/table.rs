//! The benchmark table: the portal compared with the best result of the same machine.

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
use crate::bench::bench_portal::BidPattern;
use crate::bench::resource_usage::{self, ResourceUsage};
use clap::{Args, ValueEnum};
use report::Report;
use row::Row;
use std::path::PathBuf;
use std::time::Instant;

/// Arguments of `auction-loadtest bench`.
#[derive(Args)]
pub(crate) struct TableArgs {
    /// Rows to measure, such as 2b,5,6; default: all
    #[arg(long, value_enum, value_delimiter = ',', hide_possible_values = true)]
    rows: Vec<Row>,
    /// Number of rounds for rows 1 to 8 and 12; the table shows medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Number of bids of each row
    #[arg(long, default_value_t = 100_000)]
    bids: usize,
    /// Number of bids of row 4, which is slow
    #[arg(long, default_value_t = 30_000)]
    single_bids: usize,
    /// Bidders of each auction
    #[arg(long, default_value_t = 10)]
    bidders: usize,
    /// Connections to the ingress
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Duration of each rate of row 9, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Numbers of stored events in row 12, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000", value_parser = clap::value_parser!(u64).range(1000..))]
    events: Vec<u64>,
    /// Output file for the figures as JSON
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
}

impl TableArgs {
    /// Returns the bid pattern of most rows.
    fn bid_pattern(&self) -> BidPattern {
        BidPattern { users: 1000, first: 0, auctions: 1000, bidders: self.bidders }
    }
}

struct Measurement {
    /// The row and its figure: `2a`, `6 p99`.
    key: String,
    name: String,
    value: f64,
    unit: &'static str,
    usage: Option<ResourceUsage>,
}

impl Measurement {
    /// Returns the rate of bids over the measured period.
    fn rate(row: Row, bids: u64, usage: ResourceUsage) -> Measurement {
        let value = bids as f64 / usage.took.as_secs_f64();
        Measurement { key: row.key(), name: row.name(), value, unit: "bids/s", usage: Some(usage) }
    }

    /// Returns an additional figure of a row.
    fn of(row: Row, figure: &str, name: &str, value: f64, unit: &'static str) -> Measurement {
        let key = format!("{} {figure}", row.key());
        Measurement { key, name: name.to_owned(), value, unit, usage: None }
    }
}

pub(crate) async fn run(arguments: TableArgs) -> Result<(), Failure> {
    let (mut report, began) = (Report::default(), Instant::now());
    let rows = Row::value_variants().iter().filter(|row| row.is_needed(&arguments.rows));
    let (repeated, single): (Vec<Row>, Vec<Row>) = rows.partition(|row| row.is_repeated());
    for round in 1..=arguments.rounds {
        for row in &repeated {
            let measured = measure(*row, 0.0, &arguments).await?;
            measured.into_iter().for_each(|measurement| report.add(measurement, Some(round)));
        }
    }
    for row in single {
        let max_rate = report.median(&Row::Http.key()).unwrap_or_default();
        let measured = measure(row, max_rate, &arguments).await?;
        measured.into_iter().for_each(|measurement| report.add(measurement, None));
    }
    let report = report.in_order();
    println!(
        "\n{} cores shared by all processes; {} rounds of rows 1 to 8 and 12, medians; {} bids per row; {:.0} min\n",
        resource_usage::cores(),
        arguments.rounds,
        report::number(arguments.bids as f64),
        began.elapsed().as_secs_f64() / 60.0
    );
    println!("{}", report.table());
    report.write(&arguments.json)
}

/// Measures a row. `max_rate` is the result of row 6.
async fn measure(row: Row, max_rate: f64, arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    match row {
        Row::Streams => pipeline::streams(arguments).await,
        Row::Http => pipeline::http(arguments).await,
        Row::BareHttp => pipeline::bare_http(arguments).await,
        Row::BareHandlers => handlers::measure(arguments).await,
        Row::Latency => latency::measure(max_rate, arguments).await,
        Row::Memory => {
            let mut measured = footprint::measure(arguments).await?;
            measured.extend(footprint::bounded(arguments).await?);
            Ok(measured)
        }
        Row::Growth => growth::measure(arguments).await,
        // Rows 8 and 11 are measured with 7 and 10.
        Row::Reads | Row::Disk => Ok(Vec::new()),
        Row::Probe | Row::Writer | Row::WithConsumers | Row::OneAuction | Row::Single => {
            decide::measure(row, arguments).await
        }
    }
}
