//! Scenario `deletions`: users are deleted while others bid.

use super::{AUCTIONS, Scenario};
use crate::Failure;
use crate::run::arrivals::{ArrivalTimes, RateSegment};
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{BidderPool, Plan, PlannedRequest, lasting, popular};

pub(super) const DELETIONS: Scenario = Scenario {
    name: "deletions",
    description: "The load of `steady`; meanwhile 25 users a second (--deletions) place one leading bid each and are deleted \
                  two seconds later. Their bids are retracted, and all bidders of the auction are notified. Compare the \
                  latency of outcomes with that of --deletions 0.",
    plan,
};

/// Default number of deletions per second.
const DELETIONS_PER_SECOND: f64 = 25.0;

/// Time from a bid to the deletion of its bidder, in microseconds.
const DELETION_DELAY_US: u64 = 2_000_000;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let planned_auctions = lasting(load.auctions.unwrap_or(AUCTIONS));
    let segments = vec![RateSegment::constant(load.seconds, load.rate)];
    let arrival_times = ArrivalTimes::new(load.arrivals, segments);
    let auction_selector = popular(u32::try_from(planned_auctions.len())?, load.zipf_exponent)?;
    let mix = load.mix.clone().map_or_else(Mix::bidding, Ok)?;
    let pool = BidderPool::new(seed, mix, arrival_times, auction_selector, (load.users, &planned_auctions));
    let per_second = load.deletions.unwrap_or(DELETIONS_PER_SECOND);
    // The last deletion is at the end of the run.
    let bidding_seconds = load.seconds - DELETION_DELAY_US as f64 / 1e6;
    let users = (per_second * bidding_seconds).max(0.0) as u32;
    let (first_user, interval_us) = (load.users, 1e6 / per_second);
    let requests =
        Departures { pool, next: None, first_user, users, interval_us, bids: Vec::new(), deleted: 0 };
    Ok(Plan {
        users: first_user + users,
        planned_auctions,
        requests: Box::new(requests),
        seconds: load.seconds,
        listeners: load.listeners.unwrap_or_default(),
        until_closed: false,
        burst: None,
    })
}

/// Requests of a pool of bidders, and of further users who bid once and are deleted.
struct Departures {
    pool: BidderPool,
    /// Next request of the pool, if it is planned already.
    next: Option<PlannedRequest>,
    /// Number of the first user who is deleted.
    first_user: u32,
    users: u32,
    interval_us: f64,
    /// Bids of the users who are deleted, in order.
    bids: Vec<PlannedRequest>,
    /// Number of planned deletions.
    deleted: usize,
}

impl Iterator for Departures {
    type Item = PlannedRequest;

    fn next(&mut self) -> Option<PlannedRequest> {
        let next = self.bids.len() as u32;
        let bid_due = (next < self.users).then(|| (self.interval_us * f64::from(next)) as u64);
        let deletion = self.bids.get(self.deleted).map(|bid| PlannedRequest {
            due: bid.due + DELETION_DELAY_US,
            operation: Operation::UserDelete,
            ..*bid
        });
        self.next = self.next.take().or_else(|| self.pool.next());
        let dues = [bid_due, deletion.map(|deletion| deletion.due), self.next.map(|request| request.due)];
        let first = dues.into_iter().flatten().min()?;
        if bid_due == Some(first) {
            let bid = self.pool.single_bid(first, self.first_user + next);
            self.bids.push(bid);
            return Some(bid);
        }
        if let Some(deletion) = deletion.filter(|deletion| deletion.due == first) {
            self.deleted += 1;
            return Some(deletion);
        }
        self.next.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::collections::BTreeMap;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        load: LoadArgs,
    }

    fn planned(deletions: &str) -> (u32, Vec<PlannedRequest>) {
        let load = Line::parse_from(["", "--seconds", "5", "--users", "50", "--deletions", deletions]).load;
        let plan = plan(&load, 1).unwrap();
        (plan.users, plan.requests.collect())
    }

    #[test]
    fn deleted_users_bid_once_before_their_deletion() {
        let (users, requests) = planned("10");
        assert_eq!(users, 50 + 30);
        assert!(requests.is_sorted_by_key(|request| request.due));
        let mut of_deleted: BTreeMap<u32, Vec<PlannedRequest>> = BTreeMap::new();
        for request in requests.iter().filter(|request| request.user >= 50) {
            of_deleted.entry(request.user).or_default().push(*request);
        }
        assert_eq!(of_deleted.len(), 30);
        for requests in of_deleted.values() {
            let [bid, deletion] = requests[..] else { panic!("{requests:?}") };
            assert_eq!((bid.operation, deletion.operation), (Operation::Bid, Operation::UserDelete));
            assert_eq!(deletion.due, bid.due + DELETION_DELAY_US);
        }
    }

    #[test]
    fn plan_without_deletions_has_only_the_bidders() {
        let (users, requests) = planned("0");
        assert_eq!(users, 50);
        assert!(requests.len() > 2000 && requests.iter().all(|request| request.user < 50));
    }
}
