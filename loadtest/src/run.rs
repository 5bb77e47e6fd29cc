//! `auction-loadtest run`: puts a load on a portal, measures, and judges what was answered.

pub(crate) mod arrivals;
pub(crate) mod environment;
pub(crate) mod history;
pub(crate) mod ids;
pub(crate) mod measure;
pub(crate) mod mix;
pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod popularity;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod scenarios;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod target;

use crate::Failure;
use crate::report::{self, Report};
use options::{ResultArgs, RunArgs};
use session::{RunResult, Session};
use std::process::ExitCode;

/// The judge found something wrong.
const WRONG: u8 = 2;

/// A bound that was asked for was missed.
const MISSED: u8 = 3;

/// Runs a scenario and tells what came of it.
pub(crate) async fn run(arguments: RunArgs) -> Result<ExitCode, Failure> {
    let scenario = scenarios::find(&arguments.scenario)?;
    let seed = arguments.load.seed.unwrap_or_else(rand::random);
    progress::note(&format!("scenario {}, seed {seed}", scenario.name));
    // What makes no sense is told before anything is started.
    let plan = (scenario.plan)(&arguments.load, seed)?;
    let mut session = Session::open(&arguments.target, arguments.load.connections).await?;
    let ran = if scenario.is_search {
        let bound = arguments.results.p99_under.unwrap_or(search::BOUND);
        search::find_max(&mut session, scenario, &arguments.load, seed, bound).await?
    } else {
        session.run(plan).await?
    };
    let environment = session.environment();
    session.close().await?;
    let RunResult { figures, findings, verdict } = ran;
    let report = Report {
        scenario: scenario.name.to_owned(),
        about: scenario.about.to_owned(),
        command: environment::command_line(),
        seed,
        version: env!("CARGO_PKG_VERSION"),
        environment,
        missed: missed(&arguments.results, &figures),
        figures,
        findings,
        verdict,
    };
    tell(&report, &arguments.results)
}

fn tell(report: &Report, results: &ResultArgs) -> Result<ExitCode, Failure> {
    report::print(report);
    if let Some(file) = &results.json {
        report::write_json(report, file)?;
    }
    if let Some(file) = &results.report {
        report::write_page(report, file)?;
    }
    Ok(match (report.verdict.is_right(), report.missed.is_empty()) {
        (false, _) => ExitCode::from(WRONG),
        (true, false) => ExitCode::from(MISSED),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// Bounds that were asked for and not kept.
fn missed(results: &ResultArgs, figures: &measure::Figures) -> Vec<String> {
    let mut missed = Vec::new();
    if let Some(bound) = results.p99_under {
        match figures.p99_of_the_main_thing() {
            Some(p99) if p99 < bound => {}
            Some(p99) => missed.push(format!("--p99-under {bound}: it is {p99:.1} ms")),
            None => missed.push(format!("--p99-under {bound}: nothing was measured")),
        }
    }
    if let Some(bound) = results.unserved_under {
        let share = 100.0 * figures.unserved() as f64 / (figures.requests.max(1)) as f64;
        if share >= bound {
            missed.push(format!("--unserved-under {bound}: {share:.2} % were not served"));
        }
    }
    missed
}
