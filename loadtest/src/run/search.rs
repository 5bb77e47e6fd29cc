//! The highest rate that a portal can take.

use crate::Failure;
use crate::checker::CheckReport;
use crate::run::mix::Class;
use crate::run::options::LoadArgs;
use crate::run::progress::note;
use crate::run::scenarios::Scenario;
use crate::run::session::{RunResult, Session};

/// What is searched for, if nothing else is said, in milliseconds.
pub(crate) const BOUND: f64 = 100.0;

/// The search ends when the highest that is kept and the lowest that is not are as near as this.
const NEAR: f64 = 1.08;

/// It ends anyway after so many steps, and outside of these rates.
const STEPS: usize = 16;
const RATES: std::ops::RangeInclusive<f64> = 1.0..=200_000.0;

/// Where a search is.
#[derive(Debug, Default, PartialEq)]
struct Search {
    kept: Option<f64>,
    missed: Option<f64>,
}

impl Search {
    /// Which rate is tried next, after this one.
    fn next(&mut self, rate: f64, is_kept: bool) -> Option<f64> {
        match is_kept {
            true => self.kept = Some(rate),
            false => self.missed = Some(rate),
        }
        let next = match (self.kept, self.missed) {
            (Some(kept), Some(missed)) if missed / kept <= NEAR => return None,
            // Halfway between them as factors go.
            (Some(kept), Some(missed)) => (kept * missed).sqrt(),
            (Some(kept), None) => 2.0 * kept,
            (None, Some(missed)) => missed / 2.0,
            (None, None) => rate,
        };
        let next = next.round();
        let is_new = self.kept != Some(next) && self.missed != Some(next);
        (RATES.contains(&next) && is_new).then_some(next)
    }
}

/// Searches; the figures are those of the highest rate that was kept, the verdict is that of all steps.
pub(crate) async fn find_max(
    session: &mut Session,
    scenario: &Scenario,
    load: &LoadArgs,
    seed: u64,
    bound: f64,
) -> Result<RunResult, Failure> {
    let (mut search, mut rate, mut verdict) = (Search::default(), load.rate, CheckReport::default());
    let (mut best, mut findings) = (None, Vec::new());
    for _ in 0..STEPS {
        let plan = (scenario.plan)(&LoadArgs { rate, ..load.clone() }, seed)?;
        let ran = session.run(plan).await?;
        let p99 = ran.figures.p99(Class::Outcome).unwrap_or(f64::INFINITY);
        let (unserved, is_right) = (ran.figures.unserved(), ran.verdict.is_right());
        let is_kept = p99 < bound && unserved == 0;
        let step = format!(
            "{rate:.0} per second: p99 of the outcomes {p99:.1} ms, {unserved} not served: {}",
            if is_kept { "kept" } else { "missed" }
        );
        note(&step);
        findings.push(step);
        verdict.join(ran.verdict);
        if is_kept || best.is_none() {
            best = Some(ran.figures);
        }
        // What is wrong need not be fast.
        let next = if is_right { search.next(rate, is_kept) } else { None };
        match next {
            Some(next) => rate = next,
            None => break,
        }
    }
    findings.push(match search.kept {
        Some(kept) => format!("the highest rate with p99 below {bound} ms: {kept:.0} per second"),
        None => format!("p99 was below {bound} ms at no rate that was tried"),
    });
    let figures = best.ok_or("nothing was tried")?;
    Ok(RunResult { figures, findings, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(begin: f64, capacity: f64) -> (Option<f64>, usize) {
        let (mut search, mut rate, mut steps) = (Search::default(), begin, 1);
        while let Some(next) = search.next(rate, rate <= capacity) {
            (rate, steps) = (next, steps + 1);
            assert!(steps < 100, "it comes to an end");
        }
        (search.kept, steps)
    }

    #[test]
    fn the_highest_rate_is_found_from_below_and_from_above() {
        for (begin, capacity) in [(500.0, 7_300.0), (50_000.0, 7_300.0), (7_300.0, 7_300.0), (500.0, 3.0)] {
            let (kept, steps) = found(begin, capacity);
            let kept = kept.unwrap();
            assert!(kept <= capacity && kept * NEAR + 1.0 >= capacity, "{begin}: {kept} of {capacity}");
            assert!(steps <= STEPS, "{begin}: {steps} steps");
        }
    }

    #[test]
    fn where_nothing_is_kept_the_search_ends() {
        assert_eq!(found(500.0, 0.0).0, None);
    }
}
