//! Refusals: a business rule refused a command. The portal keeps the refusal as long as every outcome and
//! returns it for each repetition. The domain declares refusals; their problem types are derived.

use super::{ProblemType, find, refusal, requests};
use auction_domain::auction::{UnknownAuction, UnknownBid, VersionConflict};
use auction_domain::user::UnknownUser;
use auction_domain::{Refusal, RefusalType};
use auction_wire::command::REFUSALS;
use std::sync::LazyLock;

pub(crate) static UNKNOWN_USER: ProblemType = refusal(UnknownUser::TYPE);
pub(crate) static UNKNOWN_AUCTION: ProblemType = refusal(UnknownAuction::TYPE);
pub(crate) static UNKNOWN_BID: ProblemType = refusal(UnknownBid::TYPE);
pub(crate) static VERSION_CONFLICT: ProblemType = refusal(VersionConflict::TYPE);

/// Refusals of all commands, except those that the ingress also finds in requests itself.
static DERIVED: LazyLock<Vec<ProblemType>> = LazyLock::new(|| {
    let mut derived = Vec::new();
    for declared in REFUSALS.iter().flat_map(|(_, refusals)| *refusals) {
        let problem_type = refusal(declared);
        if !requests::ALL.contains(&&problem_type) && !derived.contains(&problem_type) {
            derived.push(problem_type);
        }
    }
    derived
});

/// Returns the problem types of all refusals.
pub(crate) fn all() -> &'static [ProblemType] {
    &DERIVED
}

/// Returns the problem types of a command's refusals.
pub(crate) fn of(refusals: &[&RefusalType]) -> Vec<&'static ProblemType> {
    refusals.iter().filter_map(|declared| find(declared.code)).collect()
}
