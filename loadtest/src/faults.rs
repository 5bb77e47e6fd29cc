//! `auction-loadtest faults`: whatever can go wrong goes wrong under load, and the judge looks whether every promise was
//! kept.

mod clock;
mod disks;
mod driver;
mod fleet;
mod kinds;
mod plot;
mod probe;
mod proxy;
mod report;
mod round;
mod samples;
mod slot;

use crate::Failure;
use crate::run::arrivals::Arrivals;
use crate::run::options::{LoadArgs, above_zero};
use crate::run::plan::Plan;
use crate::run::progress::note;
use crate::run::scenarios;
use crate::run::target::client::{Address, Answer, Client};
use crate::run::target::http::Http;
use auction_testkit::random::Random;
use clap::Args;
use driver::{Driver, Fault};
use fleet::Fleet;
use kinds::{FaultKind, FaultPicker};
use probe::Probe;
use report::{Report, Totals};
use samples::Samples;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// `auction-loadtest faults`
#[derive(Args)]
pub(crate) struct FaultArgs {
    /// So many faults
    #[arg(long, default_value_t = 1000, value_parser = above_zero::<usize>)]
    faults: usize,
    /// At most so many minutes; then no further load begins
    #[arg(long, default_value_t = 120.0, value_parser = above_zero::<f64>)]
    minutes: f64,
    /// Repeats a run as far as processes allow: the same seed does the same to the same
    #[arg(long)]
    seed: Option<u64>,
    /// Which kinds of faults, separated by commas; all of them otherwise
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<FaultKind>,
    /// Requests per second, whatever goes wrong
    #[arg(long, default_value_t = 200.0, value_parser = above_zero::<f64>)]
    rate: f64,
    /// Loads follow each other, each judged at its end; so long each, in seconds
    #[arg(long, default_value_t = 180.0, value_parser = above_zero::<f64>)]
    load_seconds: f64,
    /// A bidding history: every other load is the scenario `real` on it, and `closing-rush` otherwise
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// All must be well again so many seconds after a fault
    #[arg(long, default_value_t = 60.0, value_parser = above_zero::<f64>)]
    recovered_within: f64,
    /// Where data and logs are kept; a temporary directory otherwise
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a picture (SVG) of what processes and servers held meanwhile
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Something was lost, doubled or out of order, or did not get well.
const WRONG: u8 = 2;

/// Runs it and tells what came of it.
pub(crate) async fn run(arguments: FaultArgs) -> Result<ExitCode, Failure> {
    let seed = arguments.seed.unwrap_or_else(rand::random);
    note(&format!("seed {seed}"));
    // What makes no sense is told before anything is started.
    for number in 0..2 {
        plan(&arguments, number, seed)?;
    }
    for file in arguments.json.iter().chain(&arguments.plot) {
        File::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let fleet = Fleet::start(arguments.data_dir.as_deref()).await?;
    let watched = fleet.watch_ingresses();
    let (began, samples) = (Instant::now(), Samples::default());
    let (faults, totals) = tokio::select! {
        came = loads(&fleet, &arguments, seed, began) => came?,
        // Everything that was started ends with this process.
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
        () = samples.take(&fleet, began) => return Err("nobody looks at what processes hold any more".into()),
        () = fleet.supervise() => return Err("nobody looks after the processes any more".into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    if let Err(error) = fleet.stop().await {
        fleet.has_ended(format!("not everything could be ended: {error}"));
    }
    drop(watched);
    let (longest_life, series) = (samples.longest_life(), samples.into_series());
    if let Some(file) = &arguments.plot {
        std::fs::write(file, plot::svg(&series, seconds))?;
    }
    let unbounded = samples::unbounded(&series, seconds);
    let report = Report::new(seed, seconds, faults, totals, fleet.ended(), unbounded, longest_life);
    report.print();
    if let Some(file) = &arguments.json {
        report.write(file)?;
    }
    Ok(if report.is_right() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// In promoted auctions bids are drawn every few seconds, in those that are offered from now on.
async fn draws_are_frequent(http: &Http) -> Result<(), Failure> {
    let options = r#"{"options": [{"every_ms": 5000}]}"#;
    let request = format!(
        "PUT /promoter/settings HTTP/1.1\r\nHost: faults\r\nX-User-Id: {}\r\nX-User-Role: operator\r\n\
         Prefer: wait=30\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{options}",
        Uuid::now_v7(),
        options.len()
    );
    let mut client = Client::connect(&http.address).await?;
    match client.ask(request.as_bytes()).await? {
        Answer { status: 200, .. } => Ok(()),
        Answer { status, body } => {
            Err(format!("PUT /promoter/settings: {status} {}", String::from_utf8_lossy(body)).into())
        }
    }
}

/// One load after the other, until there were as many faults as wanted.
async fn loads(
    fleet: &Fleet,
    arguments: &FaultArgs,
    seed: u64,
    began: Instant,
) -> Result<(Vec<Fault>, Totals), Failure> {
    let address = Address { host: fleet.of("ingress")[0].listen.to_string() };
    let http = Http { address, token: None, balance: Some(Arc::clone(&fleet.balance)) };
    draws_are_frequent(&http).await?;
    let probe = Probe::set_up(&http).await?;
    let chosen = if arguments.kinds.is_empty() { FaultKind::ALL.to_vec() } else { arguments.kinds.clone() };
    let mut driver = Driver {
        fleet,
        probe: &probe,
        deck: FaultPicker::new(chosen.into_iter().filter(|kind| kind.is_possible(fleet)).collect()),
        random: Random::new(seed),
        began,
        bound: Duration::from_secs_f64(arguments.recovered_within),
        faults: Vec::new(),
        decided_until: began,
        flushes: Vec::new(),
    };
    let (mut totals, end) = (Totals::default(), began + Duration::from_secs_f64(60.0 * arguments.minutes));
    let mut number = 0;
    while driver.count() < arguments.faults && Instant::now() < end {
        let plan = plan(arguments, number, seed.wrapping_add(number))?;
        let scenario = scenario(arguments, number);
        number += 1;
        note(&format!("load {number}: {scenario} for {:.0} s", arguments.load_seconds));
        match round::run(fleet, &http, &mut driver, arguments.faults, plan).await {
            Ok(wave) if wave.verdict.is_right() => totals.add(wave),
            // What is wrong is wrong from now on.
            Ok(wave) => {
                totals.add(wave);
                break;
            }
            Err(error) => {
                fleet.has_ended(format!("the run: {error}"));
                break;
            }
        }
    }
    Ok((driver.faults, totals))
}

/// Ordinary days and endings, by turns.
fn scenario(arguments: &FaultArgs, number: u64) -> &'static str {
    match (number % 2, &arguments.history) {
        (0, _) => "steady",
        (_, Some(_)) => "real",
        (_, None) => "closing-rush",
    }
}

fn plan(arguments: &FaultArgs, number: u64, seed: u64) -> Result<Plan, Failure> {
    let load = LoadArgs {
        rate: arguments.rate,
        seconds: arguments.load_seconds,
        users: 200,
        auctions: Some(100),
        skew: 1.0,
        seed: None,
        arrivals: Arrivals::Poisson,
        connections: 0,
        mix: None,
        listeners: None,
        history: arguments.history.clone(),
    };
    let mut plan = (scenarios::find(scenario(arguments, number))?.plan)(&load, seed)?;
    // Where all end before the judge comes: he wants quiet.
    plan.offers.iter_mut().for_each(|offer| offer.promoted = plan.until_closed);
    Ok(plan)
}
