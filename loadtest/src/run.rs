//! `auction-loadtest run`: puts a load on a portal, measures it, and checks the responses.

pub(crate) mod arrivals;
pub(crate) mod environment;
pub(crate) mod history;
pub(crate) mod ids;
pub(crate) mod measure;
pub(crate) mod mix;
pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod scenarios;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod target;

use crate::Failure;
use crate::report::{Report, write_json};
use options::{ResultArgs, RunArgs};
use session::{RunResult, Session};
use std::process::ExitCode;

/// Exit status when a check failed.
const EXIT_CHECK_FAILED: u8 = 2;

/// Exit status when a bound given on the command line was missed.
const EXIT_BOUND_MISSED: u8 = 3;

/// Runs a scenario, prints and writes its report, and returns the exit status.
pub(crate) async fn run(arguments: RunArgs) -> Result<ExitCode, Failure> {
    let scenario = scenarios::find(&arguments.scenario)?;
    let seed = arguments.load.seed.unwrap_or_else(rand::random);
    progress::note(&format!("scenario {}, seed {seed}", scenario.name));
    // Invalid options are reported before any server or process is started.
    let plan = (scenario.plan)(&arguments.load, seed)?;
    let mut session = Session::open(&arguments.target, arguments.load.connections).await?;
    let result = if scenario.name == scenarios::FIND_MAX {
        let bound = arguments.results.max_p99.unwrap_or(search::DEFAULT_MAX_P99_MS);
        search::find_max(&mut session, scenario, &arguments.load, seed, bound).await?
    } else {
        session.run(plan).await?
    };
    let environment = session.environment();
    session.close().await?;
    let RunResult { figures, findings, check_report } = result;
    let report = Report {
        scenario: scenario.name.to_owned(),
        description: scenario.description.to_owned(),
        command: environment::command_line(),
        seed,
        version: env!("CARGO_PKG_VERSION"),
        environment,
        missed_bounds: missed_bounds(&arguments.results, &figures),
        figures,
        findings,
        check_report,
    };
    write_results(&report, &arguments.results)
}

fn write_results(report: &Report, results: &ResultArgs) -> Result<ExitCode, Failure> {
    report.print();
    if let Some(file) = &results.json {
        write_json(report, file)?;
    }
    if let Some(file) = &results.report {
        report.write_page(file)?;
    }
    Ok(match (report.check_report.passed(), report.missed_bounds.is_empty()) {
        (false, _) => ExitCode::from(EXIT_CHECK_FAILED),
        (true, false) => ExitCode::from(EXIT_BOUND_MISSED),
        (true, true) => ExitCode::SUCCESS,
    })
}

fn missed_bounds(results: &ResultArgs, figures: &measure::Figures) -> Vec<String> {
    let mut missed = Vec::new();
    if let Some(bound) = results.max_p99 {
        match figures.main_p99() {
            Some(p99) if p99 < bound => {}
            Some(p99) => missed.push(format!("--max-p99 {bound}: p99 is {p99:.1} ms")),
            None => missed.push(format!("--max-p99 {bound}: no latency was measured")),
        }
    }
    if let Some(bound) = results.max_unserved {
        let percent = 100.0 * figures.unserved() as f64 / (figures.requests.max(1)) as f64;
        if percent >= bound {
            missed.push(format!("--max-unserved {bound}: {percent:.2} % of the requests were not served"));
        }
    }
    missed
}
