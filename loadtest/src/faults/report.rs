//! What a run with faults came to.

use crate::Failure;
use crate::checker::CheckReport;
use crate::faults::driver::Fault;
use crate::faults::round::FaultRound;
use crate::report::print_verdict;
use crate::run::environment;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Sums over all loads.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    loads: u64,
    requests: u64,
    accepted: u64,
    given_again: u64,
    doubled: u64,
    longest_pause: f64,
    longest_settling: f64,
    verdict: CheckReport,
}

impl Totals {
    /// One more load.
    pub(crate) fn add(&mut self, wave: FaultRound) {
        self.loads += 1;
        self.requests += wave.requests;
        self.accepted += wave.accepted;
        self.given_again += wave.given_again;
        self.doubled += wave.doubled;
        self.longest_pause = self.longest_pause.max(wave.longest_pause);
        self.longest_settling = self.longest_settling.max(wave.settled);
        self.verdict.join(wave.verdict);
    }
}

/// Faults of a kind.
#[derive(Debug, Default, Serialize)]
struct OfAKind {
    count: u64,
    /// Of those that came alone: half of them, and all of them, were got over within so many seconds.
    alone: u64,
    median: f64,
    longest: f64,
}

/// Everything.
#[derive(Serialize)]
pub(crate) struct Report {
    command: String,
    environment: Vec<(String, String)>,
    seed: u64,
    seconds: f64,
    /// By kind, and by the role of the process that it happened to, if it was one alone.
    kinds: BTreeMap<String, OfAKind>,
    totals: Totals,
    /// What ended by itself, and what failed that must not.
    ended: Vec<String>,
    /// What was held more and more of.
    unbounded: Vec<String>,
    /// The process that lived longest lived so long, in seconds: what a process holds begins anew with it.
    longest_life: f64,
    not_recovered: u64,
    faults: Vec<Fault>,
}

impl Report {
    pub(crate) fn new(
        seed: u64,
        seconds: f64,
        faults: Vec<Fault>,
        totals: Totals,
        ended: Vec<String>,
        unbounded: Vec<String>,
        longest_life: f64,
    ) -> Report {
        let mut kinds: BTreeMap<String, OfAKind> = BTreeMap::new();
        let mut took: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for fault in &faults {
            let role = fault.role.map_or_else(String::new, |role| format!(" {role}"));
            let names: Vec<_> = fault.kinds.iter().map(|kind| format!("{kind}{role}")).collect();
            names.iter().for_each(|name| kinds.entry(name.clone()).or_default().count += 1);
            if let ([name], Some(recovered)) = (&names[..], fault.recovered) {
                took.entry(name.clone()).or_default().push(recovered);
            }
        }
        for (kind, mut took) in took {
            took.sort_unstable_by(f64::total_cmp);
            let of_kind = kinds.entry(kind).or_default();
            of_kind.alone = took.len() as u64;
            of_kind.median = took[took.len() / 2];
            of_kind.longest = took[took.len() - 1];
        }
        let not_recovered = faults.iter().filter(|fault| fault.recovered.is_none()).count() as u64;
        Report {
            command: environment::command_line(),
            environment: environment::machine(),
            seed,
            seconds,
            kinds,
            totals,
            ended,
            unbounded,
            longest_life,
            not_recovered,
            faults,
        }
    }

    /// Nothing was lost, doubled or out of order, nothing ended by itself, everything got well in time, nothing was held
    /// more and more of.
    pub(crate) fn is_right(&self) -> bool {
        let nothing_else = self.ended.is_empty() && self.unbounded.is_empty() && self.not_recovered == 0;
        self.totals.verdict.is_right() && nothing_else
    }

    pub(crate) fn print(&self) {
        let totals = &self.totals;
        println!("{}\nseed {}, {:.0} s\n", self.command, self.seed, self.seconds);
        println!("| fault | times | well again after, median | at most |\n|---|---:|---:|---:|");
        for (kind, of) in &self.kinds {
            match of.alone {
                0 => println!("| {kind} | {} | | |", of.count),
                _ => println!("| {kind} | {} | {:.1} s | {:.1} s |", of.count, of.median, of.longest),
            }
        }
        let count: u64 = self.kinds.values().map(|of| of.count).sum();
        println!("| all | {count} | | |\n");
        println!(
            "{} loads, {} requests, {} commands accepted",
            totals.loads, totals.requests, totals.accepted
        );
        println!("{} bids were drawn by lot and doubled", totals.doubled);
        println!("{} given again after all of Redis was lost", totals.given_again);
        println!("longest time in which nobody was told an outcome: {:.1} s", totals.longest_pause);
        println!("longest time until all was decided and told in the end: {:.1} s", totals.longest_settling);
        println!("not well again in time: {}", self.not_recovered);
        println!("ended by itself: {}", self.ended.len());
        self.ended.iter().for_each(|what| println!("  {what}"));
        println!("the process that lived longest lived {:.0} s", self.longest_life);
        println!("held more and more of: {}", self.unbounded.len());
        self.unbounded.iter().for_each(|what| println!("  {what}"));
        print_verdict(&totals.verdict);
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()).into())
    }
}
