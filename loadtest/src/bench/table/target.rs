//! What rows are compared with, and what is wanted.

/// What is wanted of a figure or a ratio.
#[derive(Clone, Copy)]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// It is told, and nothing is wanted.
    Nothing,
}

impl Target {
    /// Whether a figure is as wanted; none if nothing is.
    pub(super) fn met(self, figure: f64) -> Option<bool> {
        match self {
            Target::AtLeast(least) => Some(figure >= least),
            Target::AtMost(most) => Some(figure <= most),
            Target::Nothing => None,
        }
    }

    /// As it is printed beside the figure.
    pub(super) fn beside(self, figure: f64) -> String {
        let verdict = if self.met(figure) == Some(true) { "met" } else { "missed" };
        match self {
            Target::AtLeast(least) => format!("{least} or more: {verdict}"),
            Target::AtMost(most) => format!("{most} or less: {verdict}"),
            Target::Nothing => String::new(),
        }
    }
}

/// One figure divided by another.
pub(super) struct Comparison {
    pub(super) key: &'static str,
    pub(super) of: &'static str,
    pub(super) wanted: Target,
}

const fn ratio(key: &'static str, of: &'static str, wanted: Target) -> Comparison {
    Comparison { key, of, wanted }
}

/// All of them; a figure is compared with one other at most.
pub(super) const COMPARISONS: [Comparison; 19] = [
    ratio("2a", "1", Target::AtLeast(0.9)),
    ratio("2b", "1", Target::AtLeast(0.5)),
    ratio("3", "2a", Target::AtLeast(0.9)),
    ratio("4", "2a", Target::AtMost(0.1)),
    ratio("5", "1", Target::AtLeast(0.5)),
    ratio("6", "6b", Target::AtLeast(0.5)),
    ratio("6 p99", "6 p50", Target::AtMost(10.0)),
    ratio("8 reads", "7 reads", Target::AtLeast(0.7)),
    ratio("8 accepts", "7 accepts", Target::AtLeast(0.8)),
    ratio("9 quarter p50", "9 least", Target::Nothing),
    ratio("9 quarter p99", "9 least", Target::Nothing),
    ratio("9 half p50", "9 least", Target::AtMost(2.0)),
    ratio("9 half p99", "9 least", Target::AtMost(6.0)),
    ratio("10 bound writer", "10 auctions writer", Target::AtMost(0.2)),
    ratio("10 bound projector", "10 auctions projector", Target::AtMost(0.2)),
    ratio("10 bound notifier", "10 auctions notifier", Target::AtMost(0.2)),
    ratio("12 1000000 rate", "12 10000 rate", Target::AtLeast(0.95)),
    ratio("12 1000000 start", "12 10000 start", Target::Nothing),
    ratio("12 1000000 load", "12 10000 load", Target::Nothing),
];

/// What is wanted of a figure by itself: of the probe, what such a probe did on two cores when the protocol was found.
pub(super) const FIGURES: [(&str, Target); 1] = [("1", Target::AtLeast(48_600.0))];
