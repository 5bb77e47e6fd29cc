//! Figures computed from the operation log.

use crate::run::history::OperationLog;
use crate::run::mix::{Class, Operation};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

/// Highest latency that histograms resolve, in microseconds; longer ones count as this.
const MAX_LATENCY_US: u64 = 600_000_000;

/// Percentiles of the latency curve.
const CURVE: [f64; 19] = [
    0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9,
    99.99, 100.0,
];

/// Latency of the requests of a class from their due time, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) class: &'static str,
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// Pairs of percentile and milliseconds.
    pub(crate) curve: Vec<(f64, f64)>,
}

/// One second of a run; requests are assigned by their due time.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Second {
    pub(crate) due: u64,
    pub(crate) succeeded: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    /// Latency of outcomes in milliseconds, or of all requests if the run has no outcomes.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    /// Time until the last response.
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) timeline: Vec<Second>,
    /// Number of requests by operation.
    pub(crate) requests_by_operation: BTreeMap<Operation, u64>,
    /// Number of responses by status and refusal code.
    pub(crate) responses: BTreeMap<String, u64>,
    /// 99th percentile of the wait for a free connection, in milliseconds. A high value means that the load
    /// was lower than planned, or that `--connections` is too small.
    pub(crate) connection_wait_p99: f64,
}

/// Returns an empty histogram of times in microseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    // The constant bounds are valid.
    let mut histogram = Histogram::new_with_bounds(1, MAX_LATENCY_US, 3).unwrap_or_else(|_| unreachable!());
    histogram.auto(false);
    histogram
}

/// Converts microseconds to milliseconds.
pub(crate) fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

impl Figures {
    pub(crate) fn from_log(log: &OperationLog) -> Figures {
        let mut all: BTreeMap<Class, Histogram<u64>> = BTreeMap::new();
        let mut connection_wait = histogram();
        let (mut requests_by_operation, mut responses) = (BTreeMap::new(), BTreeMap::new());
        let mut end = 0;
        for record in &log.records {
            let latency_us = u64::from(record.latency_us).max(1);
            end = end.max(record.request.due + latency_us);
            *requests_by_operation.entry(record.request.operation).or_default() += 1;
            *responses.entry(response_label(log, record.status, record.code)).or_default() += 1;
            connection_wait.saturating_record(u64::from(record.queued_us).max(1));
            // Requests without a response count with the time until they failed.
            all.entry(record.request.operation.class())
                .or_insert_with(histogram)
                .saturating_record(latency_us);
        }
        let requests = log.records.len() as u64;
        let seconds = end as f64 / 1e6;
        Figures {
            requests,
            seconds,
            per_second: if seconds > 0.0 { requests as f64 / seconds } else { 0.0 },
            latencies: all.iter().map(|(class, histogram)| latency(class.name(), histogram)).collect(),
            timeline: timeline(log),
            requests_by_operation,
            responses,
            connection_wait_p99: ms(connection_wait.value_at_quantile(0.99)),
        }
    }

    /// Returns the 99th percentile of a class in milliseconds.
    pub(crate) fn p99(&self, class: Class) -> Option<f64> {
        self.latencies.iter().find(|latency| latency.class == class.name()).map(|latency| latency.p99)
    }

    /// Returns the p99 that `--max-p99` applies to: that of outcomes, or of the first class that was
    /// measured.
    pub(crate) fn main_p99(&self) -> Option<f64> {
        // Classes are in order, outcomes first.
        self.latencies.first().map(|latency| latency.p99)
    }

    /// Describes how long after a burst p99 returned to at most twice its earlier value.
    pub(crate) fn recovery(&self, (begin, end): (f64, f64)) -> String {
        // The median of the seconds before: the first seconds are a warm-up.
        let before = &self.timeline[..(begin as usize).min(self.timeline.len())];
        let mut before: Vec<f64> = before.iter().map(|second| second.p99).collect();
        before.sort_unstable_by(f64::total_cmp);
        let before_burst = before.get(before.len() / 2).copied().unwrap_or_default();
        let end = end.ceil() as usize;
        let has_not_recovered = |second: &Second| second.p99 > 2.0 * before_burst || second.unanswered > 0;
        let last = self.timeline.iter().rposition(has_not_recovered).filter(|last| *last >= end);
        let before_burst = format!("p99 before the burst {before_burst:.1} ms");
        match last {
            None => format!("{before_burst}; recovered within the first second after the burst"),
            Some(last) if last + 1 >= self.timeline.len() => {
                format!("{before_burst}; not recovered by the end of the run")
            }
            Some(last) => format!("{before_burst}; recovered {} s after the burst", last + 1 - end),
        }
    }

    /// Returns the number of requests that the portal did not serve: no response, 429 or 5xx.
    pub(crate) fn unserved(&self) -> u64 {
        let is_unserved = |label: &str| label.starts_with(['0', '5']) || label.starts_with("429");
        self.responses
            .iter()
            .filter(|(response_label, _)| is_unserved(response_label))
            .map(|(_, count)| count)
            .sum()
    }
}

fn response_label(log: &OperationLog, status: u16, code: u16) -> String {
    match code {
        0 => status.to_string(),
        code => format!("{status} {}", log.codes.name(code)),
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
        max: ms(histogram.max()),
        curve: CURVE.iter().map(|percentile| (*percentile, at(percentile / 100.0))).collect(),
    }
}

fn timeline(log: &OperationLog) -> Vec<Second> {
    let outcomes = |operation: Operation| operation.class() == Class::Outcome;
    let any = log.records.iter().any(|record| outcomes(record.request.operation));
    let mut seconds: Vec<(Second, Vec<u32>)> = Vec::new();
    for record in &log.records {
        let at = (record.request.due / 1_000_000) as usize;
        if seconds.len() <= at {
            seconds.resize_with(at + 1, Default::default);
        }
        let (second, latencies) = &mut seconds[at];
        second.due += 1;
        match record.status {
            0 => second.unanswered += 1,
            200..=399 => second.succeeded += 1,
            _ => second.refused += 1,
        }
        if !any || outcomes(record.request.operation) {
            latencies.push(record.latency_us);
        }
    }
    seconds
        .into_iter()
        .map(|(second, mut latencies)| {
            latencies.sort_unstable();
            let at = |share: f64| {
                let last = latencies.len().checked_sub(1)?;
                latencies.get((last as f64 * share) as usize).map(|latency| ms(u64::from(*latency)))
            };
            Second { p50: at(0.5).unwrap_or_default(), p99: at(0.99).unwrap_or_default(), ..second }
        })
        .collect()
}
