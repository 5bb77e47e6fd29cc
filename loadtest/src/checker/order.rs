//! Commands for one auction were decided in the order in which Redis received them, which stored outcomes tell to the
//! millisecond.

use super::{Check, RunEvidence};
use auction_wire::{Outcome, OutcomeResult};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn kept(evidence: &RunEvidence<'_>) -> Check {
    let mut check = Check::new("commands for one auction were decided in the order in which they came");
    let mut auctions: HashMap<Uuid, Vec<&Outcome>> = HashMap::new();
    for outcome in &evidence.outcomes {
        auctions.entry(outcome.key).or_default().push(outcome);
    }
    for (auction, mut outcomes) in auctions {
        // What was refused at a position was decided after what was accepted there; the order of refusals at the same
        // position is not known.
        outcomes.sort_by_key(|outcome| (outcome.position, !is_accepted(outcome), outcome.at));
        for two in outcomes.windows(2) {
            let [before, after] = two else { continue };
            check.look(before.at <= after.at, || {
                format!(
                    "auction {auction}: command {} of {} was decided before {} of {}",
                    before.command, before.at.0, after.command, after.at.0
                )
            });
        }
    }
    check
}

fn is_accepted(outcome: &Outcome) -> bool {
    matches!(outcome.result, OutcomeResult::Accepted { .. })
}
