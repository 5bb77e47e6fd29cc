//! Search for the highest rate that a portal can sustain.

use crate::Failure;
use crate::checker::CheckReport;
use crate::run::mix::Class;
use crate::run::options::LoadArgs;
use crate::run::progress::note;
use crate::run::scenarios::Scenario;
use crate::run::session::{RunResult, Session};

/// Default of `--max-p99` in milliseconds.
pub(crate) const DEFAULT_MAX_P99_MS: f64 = 100.0;

/// The search ends when the lowest missed rate is at most this multiple of the highest sustained rate.
const MAX_RATIO: f64 = 1.08;

/// The search also ends after this many steps, and outside this range of rates.
const MAX_STEPS: usize = 16;
const RATES: std::ops::RangeInclusive<f64> = 1.0..=200_000.0;

/// State of a search by doubling, halving and bisection.
#[derive(Debug, Default, PartialEq)]
struct Search {
    highest_met: Option<f64>,
    lowest_missed: Option<f64>,
}

impl Search {
    /// Records the result of a rate and returns the next one to try.
    fn next(&mut self, rate: f64, is_met: bool) -> Option<f64> {
        match is_met {
            true => self.highest_met = Some(rate),
            false => self.lowest_missed = Some(rate),
        }
        let next = match (self.highest_met, self.lowest_missed) {
            (Some(highest_met), Some(lowest_missed)) if lowest_missed / highest_met <= MAX_RATIO => {
                return None;
            }
            // Geometric mean.
            (Some(highest_met), Some(lowest_missed)) => (highest_met * lowest_missed).sqrt(),
            (Some(highest_met), None) => 2.0 * highest_met,
            (None, Some(lowest_missed)) => lowest_missed / 2.0,
            (None, None) => rate,
        };
        let next = next.round();
        let is_new = self.highest_met != Some(next) && self.lowest_missed != Some(next);
        (RATES.contains(&next) && is_new).then_some(next)
    }
}

/// Runs the scenario at several rates. The figures are those of the highest rate that met the bound; the
/// check report joins all steps.
pub(crate) async fn find_max(
    session: &mut Session,
    scenario: &Scenario,
    load: &LoadArgs,
    seed: u64,
    max_p99: f64,
) -> Result<RunResult, Failure> {
    let (mut search, mut rate, mut check_report) = (Search::default(), load.rate, CheckReport::default());
    let (mut best, mut findings) = (None, Vec::new());
    for _ in 0..MAX_STEPS {
        let plan = (scenario.plan)(&LoadArgs { rate, ..load.clone() }, seed)?;
        let result = session.run(plan).await?;
        let p99 = result.figures.p99(Class::Outcome).unwrap_or(f64::INFINITY);
        let (unserved, passed) = (result.figures.unserved(), result.check_report.passed());
        let is_met = p99 < max_p99 && unserved == 0;
        let step = format!(
            "{rate:.0} requests/s: p99 of the outcomes {p99:.1} ms, {unserved} unserved: bound {}",
            if is_met { "met" } else { "missed" }
        );
        note(&step);
        findings.push(step);
        check_report.join(result.check_report);
        if is_met || best.is_none() {
            best = Some(result.figures);
        }
        // A run that fails a check ends the search.
        let next = if passed { search.next(rate, is_met) } else { None };
        match next {
            Some(next) => rate = next,
            None => break,
        }
    }
    findings.push(match search.highest_met {
        Some(highest_met) => format!("highest rate with p99 below {max_p99} ms: {highest_met:.0} requests/s"),
        None => format!("no tested rate had a p99 below {max_p99} ms"),
    });
    let figures = best.ok_or("no rate was tested")?;
    Ok(RunResult { figures, findings, check_report })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(begin: f64, capacity: f64) -> (Option<f64>, usize) {
        let (mut search, mut rate, mut steps) = (Search::default(), begin, 1);
        while let Some(next) = search.next(rate, rate <= capacity) {
            (rate, steps) = (next, steps + 1);
            assert!(steps < 100, "the search does not end");
        }
        (search.highest_met, steps)
    }

    #[test]
    fn search_finds_the_highest_rate_from_below_and_above() {
        for (begin, capacity) in [(500.0, 7_300.0), (50_000.0, 7_300.0), (7_300.0, 7_300.0), (500.0, 3.0)] {
            let (highest_met, steps) = found(begin, capacity);
            let highest_met = highest_met.unwrap();
            assert!(
                highest_met <= capacity && highest_met * MAX_RATIO + 1.0 >= capacity,
                "{begin}: {highest_met} of {capacity}"
            );
            assert!(steps <= MAX_STEPS, "{begin}: {steps} steps");
        }
    }

    #[test]
    fn search_ends_when_every_rate_is_missed() {
        assert_eq!(found(500.0, 0.0).0, None);
    }
}
