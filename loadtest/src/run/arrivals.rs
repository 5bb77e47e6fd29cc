//! When requests are due: by a rate that may change, at even intervals or at random, whether those before are answered
//! or not.

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1};

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// At even intervals
    Constant,
    /// At random, as independent people do
    Poisson,
}

/// A stretch of time in which the rate goes evenly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RateSegment {
    pub(crate) seconds: f64,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl RateSegment {
    /// The same rate all the time.
    pub(crate) fn even(seconds: f64, rate: f64) -> RateSegment {
        RateSegment { seconds, from: rate, to: rate }
    }
}

/// The moments at which requests are due, in seconds from the start.
pub(crate) struct ArrivalTimes {
    arrivals: Arrivals,
    stretches: Vec<RateSegment>,
    at: f64,
}

impl ArrivalTimes {
    pub(crate) fn new(arrivals: Arrivals, stretches: Vec<RateSegment>) -> ArrivalTimes {
        ArrivalTimes { arrivals, stretches, at: 0.0 }
    }

    /// How long it takes.
    pub(crate) fn seconds(&self) -> f64 {
        self.stretches.iter().map(|stretch| stretch.seconds).sum()
    }

    /// When the next one is due; none after the end.
    pub(crate) fn next(&mut self, random: &mut StdRng) -> Option<f64> {
        if self.at >= self.seconds() {
            return None;
        }
        let due = self.at;
        let share: f64 = match self.arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => Exp1.sample(random),
        };
        self.advance(share);
        Some(due)
    }

    /// Goes on to where the area below the rate has grown by so many requests.
    fn advance(&mut self, mut requests: f64) {
        let mut begin = 0.0;
        for stretch in &self.stretches {
            let end = begin + stretch.seconds;
            if self.at < end {
                let slope = (stretch.to - stretch.from) / stretch.seconds;
                let rate = stretch.from + slope * (self.at - begin);
                let left = (end - self.at) * (rate + stretch.to) / 2.0;
                if requests < left {
                    // rate · t + slope · t² / 2 = requests, in a form that also holds for a slope of nothing.
                    let root = (rate * rate + 2.0 * slope * requests).max(0.0).sqrt();
                    self.at += 2.0 * requests / (rate + root);
                    return;
                }
                requests -= left;
                self.at = end;
            }
            begin = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn all(arrivals: Arrivals, stretches: &[RateSegment]) -> Vec<f64> {
        let (mut schedule, mut random) =
            (ArrivalTimes::new(arrivals, stretches.to_vec()), StdRng::seed_from_u64(1));
        std::iter::from_fn(|| schedule.next(&mut random)).collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spread() {
        let all = all(Arrivals::Constant, &[RateSegment::even(2.0, 100.0)]);
        assert!((199..=201).contains(&all.len()), "{}", all.len());
        assert!(all.windows(2).all(|two| (two[1] - two[0] - 0.01).abs() < 1e-9));
    }

    #[test]
    fn poisson_arrivals_come_as_often_and_unevenly() {
        let all = all(Arrivals::Poisson, &[RateSegment::even(20.0, 500.0)]);
        assert!((9_500..10_500).contains(&all.len()), "{}", all.len());
        let gaps: Vec<f64> = all.windows(2).map(|two| two[1] - two[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let spread = variance.sqrt() / mean;
        assert!((0.9..1.1).contains(&spread), "an exponential spreads as much as its mean: {spread}");
    }

    #[test]
    fn a_ramp_comes_to_the_area_below_it() {
        let all = all(Arrivals::Constant, &[RateSegment { seconds: 10.0, from: 0.0, to: 200.0 }]);
        assert!((999..=1001).contains(&all.len()), "{}", all.len());
        let first_half = all.iter().filter(|due| **due < 5.0).count();
        assert!(first_half * 3 < all.len(), "most of them come late: {first_half} of {}", all.len());
    }
}
