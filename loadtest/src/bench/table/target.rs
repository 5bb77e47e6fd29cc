//! Baselines and targets of the figures.

/// Target of a figure or ratio.
#[derive(Clone, Copy)]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Reported without a target.
    Nothing,
}

impl Target {
    /// Returns whether a figure meets the target; none if there is no target.
    pub(super) fn met(self, figure: f64) -> Option<bool> {
        match self {
            Target::AtLeast(least) => Some(figure >= least),
            Target::AtMost(most) => Some(figure <= most),
            Target::Nothing => None,
        }
    }

    /// Describes the target and whether the figure meets it.
    pub(super) fn describe(self, figure: f64) -> String {
        let result = if self.met(figure) == Some(true) { "met" } else { "missed" };
        match self {
            Target::AtLeast(least) => format!("{least} or more: {result}"),
            Target::AtMost(most) => format!("{most} or less: {result}"),
            Target::Nothing => String::new(),
        }
    }
}

/// Figures, their baselines, and the targets of the ratios; a figure has at most one baseline.
pub(super) const COMPARISONS: [(&str, &str, Target); 19] = [
    ("2a", "1", Target::AtLeast(0.9)),
    ("2b", "1", Target::AtLeast(0.5)),
    ("3", "2a", Target::AtLeast(0.9)),
    ("4", "2a", Target::AtMost(0.1)),
    ("5", "1", Target::AtLeast(0.5)),
    ("6", "6b", Target::AtLeast(0.5)),
    ("6 p99", "6 p50", Target::AtMost(10.0)),
    ("8 reads", "7 reads", Target::AtLeast(0.7)),
    ("8 accepts", "7 accepts", Target::AtLeast(0.8)),
    ("9 quarter p50", "9 least", Target::Nothing),
    ("9 quarter p99", "9 least", Target::Nothing),
    ("9 half p50", "9 least", Target::AtMost(2.0)),
    ("9 half p99", "9 least", Target::AtMost(6.0)),
    ("10 bound writer", "10 auctions writer", Target::AtMost(0.2)),
    ("10 bound projector", "10 auctions projector", Target::AtMost(0.2)),
    ("10 bound notifier", "10 auctions notifier", Target::AtMost(0.2)),
    ("12 1000000 rate", "12 10000 rate", Target::AtLeast(0.95)),
    ("12 1000000 start", "12 10000 start", Target::Nothing),
    ("12 1000000 load", "12 10000 load", Target::Nothing),
];

/// Targets of single figures. For row 1: the rate of such a probe on two cores when the protocol was
/// designed.
pub(super) const FIGURES: [(&str, Target); 1] = [("1", Target::AtLeast(48_600.0))];
