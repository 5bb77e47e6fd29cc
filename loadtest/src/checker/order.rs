//! Checks that the commands of an auction were decided in the order in which Redis received them. Outcomes
//! store that time in milliseconds.

use super::{Check, RunEvidence};
use auction_wire::{Outcome, OutcomeResult};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn arrival_order(evidence: &RunEvidence<'_>) -> Check {
    let mut check = Check::new("the commands of an auction are decided in arrival order");
    let mut auctions: HashMap<Uuid, Vec<&Outcome>> = HashMap::new();
    for outcome in &evidence.outcomes {
        auctions.entry(outcome.key).or_default().push(outcome);
    }
    for (auction, mut outcomes) in auctions {
        // Refusals at a position were decided after the command accepted there. The order of refusals at the
        // same position is unknown.
        outcomes.sort_by_key(|outcome| (outcome.position, !is_accepted(outcome), outcome.at));
        for two in outcomes.windows(2) {
            let [before, after] = two else { continue };
            check.verify(before.at <= after.at, || {
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
