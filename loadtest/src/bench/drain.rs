//! How fast a backlog of bids is decided: the writer beside a bare probe of its protocol, on one hot
//! auction, and beside one command per transaction.

mod probe;
mod single;

use crate::Failure;
use crate::bench::backlog::{bid, give};
use crate::bench::servers::{Bench, Cost, Meter, quiet};
use clap::Args;
use std::collections::BTreeMap;

const USERS: usize = 1000;
const AUCTIONS: usize = 1000;

/// `auction-loadtest bench drain`
#[derive(Args)]
pub(crate) struct DrainArgs {
    /// Bids in the backlog
    #[arg(long, default_value_t = 200_000)]
    bids: usize,
    /// Bids for one command per transaction, which is slow
    #[arg(long, default_value_t = 30_000)]
    single_bids: usize,
    /// Times; the table shows medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only these rows
    #[arg(long, value_delimiter = ',', default_value = "a,b,c,d")]
    rows: Vec<String>,
}

/// One way to do it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Probe,
    Writer,
    OneAuction,
    Single,
}

impl Row {
    const ALL: [Row; 4] = [Row::Probe, Row::Writer, Row::OneAuction, Row::Single];

    fn letter(self) -> &'static str {
        ["a", "b", "c", "d"][self as usize]
    }

    fn name(self) -> &'static str {
        match self {
            Row::Probe => "bare probe of the protocol, without domain",
            Row::Writer => "the writer",
            Row::OneAuction => "the writer, one hot auction",
            Row::Single => "one command per transaction, 32 at once",
        }
    }
}

/// What a row came to.
struct Result1 {
    per_second: f64,
    cost: Cost,
    bids: usize,
}

pub(crate) async fn run(arguments: DrainArgs) -> Result<(), Failure> {
    let rows: Vec<Row> =
        Row::ALL.into_iter().filter(|row| arguments.rows.iter().any(|name| name == row.letter())).collect();
    let mut results: BTreeMap<Row, Vec<Result1>> = BTreeMap::new();
    for round in 1..=arguments.rounds {
        for row in &rows {
            let result = measure(*row, &arguments).await?;
            println!("round {round}, {}: {:.0} bids/s", row.name(), result.per_second);
            results.entry(*row).or_default().push(result);
        }
    }
    println!("\n{}", table(&mut results));
    Ok(())
}

async fn measure(row: Row, arguments: &DrainArgs) -> Result<Result1, Failure> {
    let bids = if row == Row::Single { arguments.single_bids } else { arguments.bids };
    let auctions = if row == Row::OneAuction { 1 } else { AUCTIONS };
    let bench = Bench::with_auctions(USERS, AUCTIONS).await?;
    give(&mut bench.redis().await?, (0..bids).map(|n| bid(n, auctions, USERS))).await?;
    quiet()?;
    let begin = bench.events().await?;
    let cost = match row {
        Row::Probe => probe::drain(&bench, begin, bids).await?,
        Row::Single => single::drain(&bench, bids).await?,
        Row::Writer | Row::OneAuction => {
            let writer = bench.writer()?;
            // Its start, and the leases, are no part of it.
            bench.reached(begin + 1).await?;
            let (meter, first) = (Meter::start()?, bench.events().await?);
            bench.reached(begin + bids as u64).await?;
            let cost = meter.stop()?;
            writer.end()?;
            checked(&bench, bids).await?;
            bench.stop().await?;
            let bids = (begin + bids as u64 - first) as usize;
            return Ok(Result1 { per_second: bids as f64 / cost.took.as_secs_f64(), cost, bids });
        }
    };
    bench.stop().await?;
    Ok(Result1 { per_second: bids as f64 / cost.took.as_secs_f64(), cost, bids })
}

/// All were accepted, each once, and nothing is left.
async fn checked(bench: &Bench, bids: usize) -> Result<(), Failure> {
    let count = async |query: &str| {
        let row = bench.database().query_one(query, &[]).await?;
        Ok::<_, Failure>(row.get::<_, i64>(0) as usize)
    };
    let placed = count("SELECT count(*) FROM events WHERE kind = 'bid_placed'").await?;
    let outcomes = count("SELECT count(*) FROM commands WHERE kind = 'place_bid'").await?;
    if (placed, outcomes) == (bids, bids) {
        return Ok(());
    }
    Err(format!("{placed} bids were placed and {outcomes} outcomes stored, of {bids}").into())
}

fn median<T>(of: &mut [T], value: impl Fn(&T) -> f64) -> usize {
    of.sort_by(|a, b| value(a).total_cmp(&value(b)));
    of.len() / 2
}

fn table(results: &mut BTreeMap<Row, Vec<Result1>>) -> String {
    let mut speeds = BTreeMap::new();
    let mut text = String::from(
        "| | | bids/s | spread | CPU µs per bid: worker | Redis | Postgres |\n|---|---|---:|---:|---:|---:|---:|\n",
    );
    for (row, of_row) in results {
        let middle = median(of_row, |result| result.per_second);
        let (low, high) = (of_row[0].per_second, of_row[of_row.len() - 1].per_second);
        let result = &of_row[middle];
        speeds.insert(*row, result.per_second);
        let cpu = |kind| 1e6 * result.cost.cpu.get(kind).copied().unwrap_or_default() / result.bids as f64;
        text += &format!(
            "| {} | {} | {:.0} | {low:.0}–{high:.0} | {:.1} | {:.1} | {:.1} |\n",
            row.letter(),
            row.name(),
            result.per_second,
            cpu("worker"),
            cpu("redis"),
            cpu("postgres"),
        );
    }
    let ratio = |of: Row, to: Row, wanted: &str| match (speeds.get(&of), speeds.get(&to)) {
        (Some(one), Some(other)) => {
            format!("{} / {} = {:.2} (wanted: {wanted})\n", of.letter(), to.letter(), one / other)
        }
        _ => String::new(),
    };
    text.push('\n');
    text += &ratio(Row::Writer, Row::Probe, "0.8 or more");
    text += &ratio(Row::OneAuction, Row::Writer, "0.8 or more");
    text += &ratio(Row::Writer, Row::Single, "10 or more");
    text
}
