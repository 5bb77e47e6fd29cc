//! Times at which requests are due, at constant or random intervals and at a rate that may change. The times
//! do not depend on earlier responses (open loop).

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1};

/// Distribution of the request times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// At constant intervals, without randomness
    Constant,
    /// At random (Poisson process), as independent users do
    Poisson,
}

/// Period in which the rate changes linearly from one value to another, in requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RateSegment {
    pub(crate) seconds: f64,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl RateSegment {
    /// Returns a segment with a constant rate.
    pub(crate) fn constant(seconds: f64, rate: f64) -> RateSegment {
        RateSegment { seconds, from: rate, to: rate }
    }
}

/// Iterator over the due times, in seconds from the start.
pub(crate) struct ArrivalTimes {
    arrivals: Arrivals,
    segments: Vec<RateSegment>,
    at: f64,
}

impl ArrivalTimes {
    pub(crate) fn new(arrivals: Arrivals, segments: Vec<RateSegment>) -> ArrivalTimes {
        ArrivalTimes { arrivals, segments, at: 0.0 }
    }

    /// Returns the total duration.
    pub(crate) fn seconds(&self) -> f64 {
        self.segments.iter().map(|segment| segment.seconds).sum()
    }

    /// Returns the next due time, or none after the end.
    pub(crate) fn next(&mut self, random: &mut StdRng) -> Option<f64> {
        if self.at >= self.seconds() {
            return None;
        }
        let due = self.at;
        let requests: f64 = match self.arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => Exp1.sample(random),
        };
        self.advance(requests);
        Some(due)
    }

    /// Advances to the time at which the integral of the rate has grown by `requests`.
    fn advance(&mut self, mut requests: f64) {
        let mut begin = 0.0;
        for segment in &self.segments {
            let end = begin + segment.seconds;
            if self.at < end {
                let slope = (segment.to - segment.from) / segment.seconds;
                let rate = segment.from + slope * (self.at - begin);
                let remaining = (end - self.at) * (rate + segment.to) / 2.0;
                if requests < remaining {
                    // rate · t + slope · t² / 2 = requests, solved in a form that also holds for a slope of
                    // zero.
                    let root = (rate * rate + 2.0 * slope * requests).max(0.0).sqrt();
                    self.at += 2.0 * requests / (rate + root);
                    return;
                }
                requests -= remaining;
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

    fn all(arrivals: Arrivals, segments: &[RateSegment]) -> Vec<f64> {
        let (mut arrival_times, mut random) =
            (ArrivalTimes::new(arrivals, segments.to_vec()), StdRng::seed_from_u64(1));
        std::iter::from_fn(|| arrival_times.next(&mut random)).collect()
    }

    #[test]
    fn constant_arrivals_have_equal_intervals() {
        let all = all(Arrivals::Constant, &[RateSegment::constant(2.0, 100.0)]);
        assert!((199..=201).contains(&all.len()), "{}", all.len());
        assert!(all.windows(2).all(|two| (two[1] - two[0] - 0.01).abs() < 1e-9));
    }

    #[test]
    fn poisson_arrivals_match_the_rate_with_random_intervals() {
        let all = all(Arrivals::Poisson, &[RateSegment::constant(20.0, 500.0)]);
        assert!((9_500..10_500).contains(&all.len()), "{}", all.len());
        let gaps: Vec<f64> = all.windows(2).map(|two| two[1] - two[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let spread = variance.sqrt() / mean;
        assert!(
            (0.9..1.1).contains(&spread),
            "the standard deviation of an exponential equals its mean: {spread}"
        );
    }

    #[test]
    fn ramp_arrivals_match_the_rate_integral() {
        let all = all(Arrivals::Constant, &[RateSegment { seconds: 10.0, from: 0.0, to: 200.0 }]);
        assert!((999..=1001).contains(&all.len()), "{}", all.len());
        let first_half = all.iter().filter(|due| **due < 5.0).count();
        assert!(
            first_half * 3 < all.len(),
            "most requests are due late: {first_half} of {} in the first half",
            all.len()
        );
    }
}
