//! What a run came to in figures.

use crate::run::history::OperationLog;
use crate::run::mix::{Class, Operation};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest waiting that is told apart, in microseconds.
const LONGEST: u64 = 600_000_000;

/// Percentiles of the curve.
const CURVE: [f64; 19] = [
    0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9,
    99.99, 100.0,
];

/// How long the requests of a class took from when they were due, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) class: &'static str,
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) longest: f64,
    /// Percentile and milliseconds.
    pub(crate) curve: Vec<(f64, f64)>,
}

/// One second of a run, by when requests were due.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Second {
    pub(crate) due: u64,
    pub(crate) answered: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    /// Of outcomes, in milliseconds; of reads where there are no outcomes.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// All figures of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    /// Until the last one was answered.
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) timeline: Vec<Second>,
    /// How many of each kind were asked.
    pub(crate) asked: BTreeMap<&'static str, u64>,
    /// How many were answered with which status and reason.
    pub(crate) answers: BTreeMap<String, u64>,
    /// How long requests waited for a free connection: 99 % no longer than so many milliseconds. Much of it means
    /// that the load was not what it was to be, or that --connections are too few.
    pub(crate) held_p99: f64,
}

fn histogram() -> Histogram<u64> {
    // A fixed range that is right cannot be refused.
    let mut histogram = Histogram::new_with_bounds(1, LONGEST, 3).unwrap_or_else(|_| unreachable!());
    histogram.auto(false);
    histogram
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

impl Figures {
    pub(crate) fn of(journal: &OperationLog) -> Figures {
        let mut all: BTreeMap<Class, Histogram<u64>> = BTreeMap::new();
        let mut held = histogram();
        let (mut asked, mut answers) = (BTreeMap::new(), BTreeMap::new());
        let mut end = 0;
        for record in &journal.records {
            let took = u64::from(record.took).max(1);
            end = end.max(record.ask.due + took);
            *asked.entry(record.ask.what.name()).or_default() += 1;
            *answers.entry(answer(journal, record.status, record.code)).or_default() += 1;
            held.saturating_record(u64::from(record.held).max(1));
            // What got no answer waited all the same.
            all.entry(record.ask.what.class()).or_insert_with(histogram).saturating_record(took);
        }
        let requests = journal.records.len() as u64;
        let seconds = end as f64 / 1e6;
        Figures {
            requests,
            seconds,
            per_second: if seconds > 0.0 { requests as f64 / seconds } else { 0.0 },
            latencies: all.iter().map(|(class, histogram)| latency(class.name(), histogram)).collect(),
            timeline: timeline(journal),
            asked,
            answers,
            held_p99: ms(held.value_at_quantile(0.99)),
        }
    }

    /// What 99 % of a class waited at most, in milliseconds.
    pub(crate) fn p99(&self, class: Class) -> Option<f64> {
        self.latencies.iter().find(|latency| latency.class == class.name()).map(|latency| latency.p99)
    }

    /// What a bound on the whole run is about: outcomes, or reads where there are none.
    pub(crate) fn p99_of_the_main_thing(&self) -> Option<f64> {
        Class::ALL.iter().find_map(|class| self.p99(*class))
    }

    /// How long after a burst requests took no longer than twice as long as before it, in words.
    pub(crate) fn recovery(&self, (begin, end): (f64, f64)) -> String {
        // The first seconds warm up.
        let before = &self.timeline[..(begin as usize).min(self.timeline.len())];
        let mut before: Vec<f64> = before.iter().map(|second| second.p99).collect();
        before.sort_unstable_by(f64::total_cmp);
        let usual = before.get(before.len() / 2).copied().unwrap_or_default();
        let end = end.ceil() as usize;
        let is_bad = |second: &Second| second.p99 > 2.0 * usual || second.unanswered > 0;
        let last = self.timeline.iter().rposition(is_bad).filter(|last| *last >= end);
        let usual = format!("p99 before the burst {usual:.1} ms");
        match last {
            None => format!("{usual}; from the first second after it as before"),
            Some(last) if last + 1 >= self.timeline.len() => format!("{usual}; not as before until the end"),
            Some(last) => format!("{usual}; as before {} s after it", last + 1 - end),
        }
    }

    /// Requests that the portal did not serve: no answer, or a problem of its own.
    pub(crate) fn unserved(&self) -> u64 {
        let is_unserved = |answer: &str| answer.starts_with(['0', '5']) || answer.starts_with("429");
        self.answers.iter().filter(|(answer, _)| is_unserved(answer)).map(|(_, count)| count).sum()
    }
}

fn answer(journal: &OperationLog, status: u16, code: u16) -> String {
    match code {
        0 => status.to_string(),
        code => format!("{status} {}", journal.codes.name(code)),
    }
}

fn latency(class: &'static str, histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| ms(histogram.value_at_quantile(quantile));
    Latency {
        class,
        count: histogram.len(),
        mean: histogram.mean() / 1000.0,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        longest: ms(histogram.max()),
        curve: CURVE.iter().map(|percentile| (*percentile, at(percentile / 100.0))).collect(),
    }
}

fn timeline(journal: &OperationLog) -> Vec<Second> {
    let outcomes = |what: Operation| what.class() == Class::Outcome;
    let any = journal.records.iter().any(|record| outcomes(record.ask.what));
    let mut seconds: Vec<(Second, Vec<u32>)> = Vec::new();
    for record in &journal.records {
        let at = (record.ask.due / 1_000_000) as usize;
        if seconds.len() <= at {
            seconds.resize_with(at + 1, Default::default);
        }
        let (second, took) = &mut seconds[at];
        second.due += 1;
        match record.status {
            0 => second.unanswered += 1,
            200..=399 => second.answered += 1,
            _ => second.refused += 1,
        }
        if !any || outcomes(record.ask.what) {
            took.push(record.took);
        }
    }
    seconds
        .into_iter()
        .map(|(second, mut took)| {
            took.sort_unstable();
            let at = |share: f64| {
                let last = took.len().checked_sub(1)?;
                took.get((last as f64 * share) as usize).map(|took| ms(u64::from(*took)))
            };
            Second { p50: at(0.5).unwrap_or_default(), p99: at(0.99).unwrap_or_default(), ..second }
        })
        .collect()
}
