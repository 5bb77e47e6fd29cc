//! `auction-loadtest faults`: injects faults under load; the checker verifies that all guarantees hold.

mod clock;
mod disks;
mod draws;
mod driver;
mod fleet;
mod flushes;
mod kinds;
mod log_reader;
mod picker;
mod plot;
mod power;
mod preload;
mod probe;
mod proxy;
mod readiness;
mod report;
mod round;
mod samples;
mod slot;
mod traffic;

use crate::Failure;
use crate::run::arrivals::Arrivals;
use crate::run::options::{LoadArgs, above_zero};
use crate::run::plan::Plan;
use crate::run::progress::note;
use crate::run::scenarios;
use crate::run::target::client::Address;
use crate::run::target::http::Http;
use auction_testkit::random::Random;
use clap::Args;
use driver::{Driver, Fault};
use fleet::{COMPONENTS, Fleet};
use kinds::FaultKind;
use picker::FaultPicker;
use probe::Probe;
use report::{Report, Totals};
use samples::Samples;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `auction-loadtest faults`.
#[derive(Args)]
pub(crate) struct FaultArgs {
    /// Number of faults to inject
    #[arg(long, default_value_t = 1000, value_parser = above_zero::<usize>)]
    faults: usize,
    /// Time limit in minutes; no further load is started after it
    #[arg(long, default_value_t = 120.0, value_parser = above_zero::<f64>)]
    minutes: f64,
    /// Seed of the faults and the load; a run is repeatable as far as process timing allows. Default: random
    #[arg(long)]
    seed: Option<u64>,
    /// Kinds of faults, separated by commas; default: all
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<FaultKind>,
    /// Components whose processes are killed or paused, or get a wrong clock or network, separated by commas;
    /// default: all
    #[arg(long, value_delimiter = ',', value_parser = COMPONENTS)]
    components: Vec<String>,
    /// Setting of all processes, as an environment variable; may be repeated
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = name_and_value)]
    settings: Vec<(String, String)>,
    /// Program that the processes run; default: `portal` in the directory of this program
    #[arg(long, value_name = "PROGRAM")]
    portal: Option<PathBuf>,
    /// Program of another version; each deployment replaces all processes by the other one of the two programs
    #[arg(long, value_name = "PROGRAM")]
    other_portal: Option<PathBuf>,
    /// Requests per second, independent of the faults
    #[arg(long, default_value_t = 200.0, value_parser = above_zero::<f64>)]
    rate: f64,
    /// Duration of each load in seconds; the loads run one after the other, and each is checked at its end
    #[arg(long, default_value_t = 180.0, value_parser = above_zero::<f64>)]
    load_seconds: f64,
    /// CSV file with a bidding history: every second load is then the scenario `real` instead of
    /// `closing-rush`
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Maximum time in seconds until the portal has recovered from a fault
    #[arg(long, default_value_t = 60.0, value_parser = above_zero::<f64>)]
    max_recovery_seconds: f64,
    /// Directory for data and logs; default: a temporary directory
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a chart (SVG) of the resources used by processes and servers
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Exit status if a guarantee was violated, a recovery took too long, or a process exited unexpectedly.
const EXIT_CHECK_FAILED: u8 = 2;

/// Runs the fault suite, prints and writes its report, and returns the exit status.
pub(crate) async fn run(arguments: FaultArgs) -> Result<ExitCode, Failure> {
    let seed = arguments.seed.unwrap_or_else(rand::random);
    note(&format!("seed {seed}"));
    // Invalid options are reported before any server or process is started.
    for number in 0..2 {
        plan(&arguments, number, seed)?;
    }
    for file in arguments.json.iter().chain(&arguments.plot) {
        File::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let portal = match &arguments.portal {
        Some(portal) => portal.clone(),
        None => std::env::current_exe()?.with_file_name("portal"),
    };
    let programs: Vec<PathBuf> = [portal].into_iter().chain(arguments.other_portal.clone()).collect();
    let (data_dir, components) = (arguments.data_dir.as_deref(), &arguments.components);
    let fleet = Fleet::start(data_dir, components, &arguments.settings, &programs).await?;
    let readiness_watch = fleet.watch_ingresses()?;
    let (began, samples) = (Instant::now(), Samples::default());
    let (faults, totals) = tokio::select! {
        result = loads(&fleet, &arguments, seed, began) => result?,
        // All processes are stopped when this process exits.
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
        () = samples.take(&fleet, began) => return Err("the resource sampler ended unexpectedly".into()),
        () = fleet.supervise() => return Err("the supervisor ended unexpectedly".into()),
    };
    let seconds = began.elapsed().as_secs_f64();
    if let Err(error) = fleet.stop().await {
        fleet.report_problem(format!("not all processes could be stopped: {error}"));
    }
    drop(readiness_watch);
    let (longest_process_lifetime, series) = (samples.longest_process_lifetime(), samples.into_series());
    if let Some(file) = &arguments.plot {
        std::fs::write(file, plot::svg(&series, seconds))?;
    }
    let unbounded = samples::unbounded(&series, seconds);
    let report =
        Report::new(seed, seconds, faults, totals, fleet.problems(), unbounded, longest_process_lifetime);
    report.print();
    if let Some(file) = &arguments.json {
        report.write(file)?;
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_CHECK_FAILED) })
}

/// Runs one load after the other until the requested number of faults is reached.
async fn loads(
    fleet: &Fleet,
    arguments: &FaultArgs,
    seed: u64,
    began: Instant,
) -> Result<(Vec<Fault>, Totals), Failure> {
    let address = Address { host: fleet.of("ingress")[0].listen.to_string() };
    let http = Http { address, token: None, load_balancer: Some(Arc::clone(&fleet.load_balancer)) };
    let probe = Probe::set_up(&http).await?;
    let kinds = if arguments.kinds.is_empty() { FaultKind::ALL.to_vec() } else { arguments.kinds.clone() };
    let mut driver = Driver {
        fleet,
        probe: &probe,
        picker: FaultPicker::new(kinds.into_iter().filter(|kind| kind.is_possible(fleet)).collect()),
        random: Random::new(seed),
        began,
        max_recovery: Duration::from_secs_f64(arguments.max_recovery_seconds),
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
            Ok(round) if round.check_report.passed() => totals.add(round),
            // A violation stays in the data, so later loads would only report it again.
            Ok(round) => {
                totals.add(round);
                break;
            }
            Err(error) => {
                fleet.report_problem(format!("the run failed: {}", auction_postgres::error_text(&*error)));
                break;
            }
        }
    }
    Ok((driver.faults, totals))
}

/// Alternates between a load in which auctions end and a steady one, which ends with the last fault.
fn scenario(arguments: &FaultArgs, number: u64) -> &'static str {
    match (number % 2, &arguments.history) {
        (1, _) => "steady",
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
        zipf_exponent: 1.0,
        seed: None,
        arrivals: Arrivals::Poisson,
        connections: 0,
        mix: None,
        listeners: None,
        deletions: None,
        history: arguments.history.clone(),
    };
    let mut plan = (scenarios::find(scenario(arguments, number))?.plan)(&load, seed)?;
    // Only if all auctions close before the checks: draws of open auctions would add events during the
    // checks.
    plan.planned_auctions.iter_mut().for_each(|auction| auction.promoted = plan.until_closed);
    Ok(plan)
}
