//! Report of a run with faults.

use crate::Failure;
use crate::checker::CheckReport;
use crate::faults::driver::Fault;
use crate::faults::round::FaultRound;
use crate::report::print_check_report;
use crate::run::environment;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Totals over all loads.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    loads: u64,
    requests: u64,
    accepted: u64,
    resubmitted: u64,
    doubled: u64,
    longest_outcome_gap: f64,
    longest_settle_seconds: f64,
    check_report: CheckReport,
}

impl Totals {
    pub(crate) fn add(&mut self, round: FaultRound) {
        self.loads += 1;
        self.requests += round.requests;
        self.accepted += round.accepted;
        self.resubmitted += round.resubmitted;
        self.doubled += round.doubled;
        self.longest_outcome_gap = self.longest_outcome_gap.max(round.longest_outcome_gap);
        self.longest_settle_seconds = self.longest_settle_seconds.max(round.settle_seconds);
        self.check_report.join(round.check_report);
    }
}

/// Statistics of a kind of fault.
#[derive(Debug, Default, Serialize)]
struct KindStats {
    count: u64,
    /// Faults that were injected alone, and their recovery times.
    single_count: u64,
    median_recovery_seconds: f64,
    max_recovery_seconds: f64,
}

/// Results of a run with faults, as written to JSON.
#[derive(Serialize)]
pub(crate) struct Report {
    command: String,
    environment: Vec<(String, String)>,
    seed: u64,
    seconds: f64,
    /// By kind, with the component of the affected process if it was only one.
    kinds: BTreeMap<String, KindStats>,
    totals: Totals,
    /// Unexpected exits, failed requests during deployments, and errors.
    problems: Vec<String>,
    /// Resources whose use grew without bound.
    unbounded: Vec<String>,
    /// Lifetime of the process that lived longest, in seconds. The resource use of a process starts again
    /// when it is replaced.
    longest_process_lifetime: f64,
    not_recovered: u64,
    faults: Vec<Fault>,
}

impl Report {
    pub(crate) fn new(
        seed: u64,
        seconds: f64,
        faults: Vec<Fault>,
        totals: Totals,
        problems: Vec<String>,
        unbounded: Vec<String>,
        longest_process_lifetime: f64,
    ) -> Report {
        let mut kinds: BTreeMap<String, KindStats> = BTreeMap::new();
        let mut took: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for fault in &faults {
            let component = fault.component.map_or_else(String::new, |component| format!(" {component}"));
            let names: Vec<_> = fault.kinds.iter().map(|kind| format!("{kind}{component}")).collect();
            names.iter().for_each(|name| kinds.entry(name.clone()).or_default().count += 1);
            if let ([name], Some(recovery_seconds)) = (&names[..], fault.recovery_seconds) {
                took.entry(name.clone()).or_default().push(recovery_seconds);
            }
        }
        for (kind, mut took) in took {
            took.sort_unstable_by(f64::total_cmp);
            let stats = kinds.entry(kind).or_default();
            stats.single_count = took.len() as u64;
            stats.median_recovery_seconds = took[took.len() / 2];
            stats.max_recovery_seconds = took[took.len() - 1];
        }
        let not_recovered = faults.iter().filter(|fault| fault.recovery_seconds.is_none()).count() as u64;
        Report {
            command: environment::command_line(),
            environment: environment::machine(),
            seed,
            seconds,
            kinds,
            totals,
            problems,
            unbounded,
            longest_process_lifetime,
            not_recovered,
            faults,
        }
    }

    /// Whether all checks passed, all recoveries were in time, and there were no problems and no unbounded
    /// resources.
    pub(crate) fn passed(&self) -> bool {
        let no_problems = self.problems.is_empty() && self.unbounded.is_empty() && self.not_recovered == 0;
        self.totals.check_report.passed() && no_problems
    }

    pub(crate) fn print(&self) {
        let totals = &self.totals;
        println!("{}\nseed {}, {:.0} s\n", self.command, self.seed, self.seconds);
        println!("| fault | count | median recovery | max recovery |\n|---|---:|---:|---:|");
        for (kind, stats) in &self.kinds {
            match stats.single_count {
                0 => println!("| {kind} | {} | | |", stats.count),
                _ => println!(
                    "| {kind} | {} | {:.1} s | {:.1} s |",
                    stats.count, stats.median_recovery_seconds, stats.max_recovery_seconds
                ),
            }
        }
        let count: u64 = self.kinds.values().map(|stats| stats.count).sum();
        println!("| all | {count} | | |\n");
        println!(
            "{} loads, {} requests, {} commands accepted",
            totals.loads, totals.requests, totals.accepted
        );
        println!("{} bids drawn and doubled", totals.doubled);
        println!("{} commands resubmitted after losses of all Redis data", totals.resubmitted);
        println!("longest time without an outcome: {:.1} s", totals.longest_outcome_gap);
        println!(
            "longest time until all commands were decided and notified after a load: {:.1} s",
            totals.longest_settle_seconds
        );
        println!("not recovered in time: {}", self.not_recovered);
        println!("problems: {}", self.problems.len());
        self.problems.iter().for_each(|item| println!("  {item}"));
        println!("longest process lifetime: {:.0} s", self.longest_process_lifetime);
        println!("resources that grew without bound: {}", self.unbounded.len());
        self.unbounded.iter().for_each(|item| println!("  {item}"));
        print_check_report(&totals.check_report);
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()).into())
    }
}
