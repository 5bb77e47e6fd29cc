//! Order of the faults.

use crate::faults::kinds::FaultKind;
use auction_testkit::random::Random;

/// Picks kinds of faults in random order, each as often as its weight per cycle.
pub(crate) struct FaultPicker {
    kinds: Vec<FaultKind>,
    remaining: Vec<FaultKind>,
}

impl FaultPicker {
    pub(crate) fn new(kinds: Vec<FaultKind>) -> FaultPicker {
        FaultPicker { kinds, remaining: Vec::new() }
    }

    pub(crate) fn pick_next(&mut self, random: &mut Random) -> Option<FaultKind> {
        if self.remaining.is_empty() {
            let repeated = |kind: &FaultKind| std::iter::repeat_n(*kind, kind.weight());
            // Each kind occurs once before any repeats, so that short runs see as many kinds as possible.
            let weighted = self.kinds.iter().flat_map(repeated);
            let mut repeats: Vec<FaultKind> = weighted.collect();
            let mut first_cycle = self.kinds.clone();
            for kind in &first_cycle {
                repeats.extract_if(.., |one| one == kind).take(1).for_each(drop);
            }
            shuffle(&mut repeats, random);
            shuffle(&mut first_cycle, random);
            self.remaining = repeats;
            // `pick_next` takes from the end.
            self.remaining.extend(first_cycle);
        }
        self.remaining.pop()
    }
}

fn shuffle(kinds: &mut [FaultKind], random: &mut Random) {
    for n in (1..kinds.len()).rev() {
        kinds.swap(n, random.below(n as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picker_uses_every_kind_once_before_repeating() {
        let pick = |seed| {
            let (mut picker, mut random) = (FaultPicker::new(FaultKind::ALL.to_vec()), Random::new(seed));
            std::iter::from_fn(|| picker.pick_next(&mut random)).take(60).collect::<Vec<_>>()
        };
        let picked = pick(1);
        let mut first = picked[..FaultKind::ALL.len()].to_vec();
        first.sort_unstable();
        assert_eq!(first, FaultKind::ALL);
        let kills = picked.iter().filter(|kind| **kind == FaultKind::KillProcess).count();
        assert!(kills > 6, "{kills}");
        assert_eq!(picked, pick(1));
        assert_ne!(picked, pick(2));
    }
}
