//! What rows are compared with, and what is wanted.

/// What is wanted of a figure or a ratio.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Wanted {
    /// Whether a figure is as wanted.
    pub(super) fn met(self, figure: f64) -> bool {
        match self {
            Wanted::AtLeast(least) => figure >= least,
            Wanted::AtMost(most) => figure <= most,
        }
    }

    /// As it is printed beside the figure.
    pub(super) fn beside(self, figure: f64) -> String {
        let verdict = if self.met(figure) { "met" } else { "missed" };
        match self {
            Wanted::AtLeast(least) => format!("{least} or more: {verdict}"),
            Wanted::AtMost(most) => format!("{most} or less: {verdict}"),
        }
    }
}

/// One figure divided by another.
pub(super) struct Comparison {
    pub(super) key: &'static str,
    pub(super) of: &'static str,
    pub(super) wanted: Wanted,
}

const fn ratio(key: &'static str, of: &'static str, wanted: Wanted) -> Comparison {
    Comparison { key, of, wanted }
}

/// All of them; a figure is compared with one other at most.
pub(super) const COMPARISONS: [Comparison; 7] = [
    ratio("2a", "1", Wanted::AtLeast(0.9)),
    ratio("2b", "1", Wanted::AtLeast(0.5)),
    ratio("3", "2a", Wanted::AtLeast(0.9)),
    ratio("4", "2a", Wanted::AtMost(0.1)),
    ratio("5", "1", Wanted::AtLeast(0.5)),
    ratio("6", "6b", Wanted::AtLeast(0.5)),
    ratio("6 p99", "6 p50", Wanted::AtMost(10.0)),
];

/// What is wanted of a figure by itself: of the probe, what such a probe did on two cores when the protocol was found.
pub(super) const FIGURES: [(&str, Wanted); 1] = [("1", Wanted::AtLeast(48_600.0))];
