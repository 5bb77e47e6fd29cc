//! Plans the requests of a run. The plan depends on the seed only, not on the responses of the portal.

use crate::Failure;
use crate::run::arrivals::ArrivalTimes;
use crate::run::mix::{Mix, Operation};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use std::collections::{HashMap, VecDeque};

/// A request of a plan. Users and auctions are numbers; [`crate::run::ids::RunIds`] has their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedRequest {
    /// When it is due, in microseconds from the start.
    pub(crate) due: u64,
    pub(crate) operation: Operation,
    pub(crate) user: u32,
    pub(crate) auction: u32,
    pub(crate) amount: u64,
    /// Number of the idempotency key, from 1; 0 for none. For a deletion: the key of the bid.
    pub(crate) key: u32,
}

/// An auction to be created for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedAuction {
    pub(crate) opening: u64,
    /// When it ends, in milliseconds from the start of the load.
    pub(crate) ends_after: u64,
    /// Whether the promoter draws and doubles bids of this auction.
    pub(crate) promoted: bool,
}

/// Users, auctions and requests of a run.
pub(crate) struct Plan {
    pub(crate) users: u32,
    pub(crate) planned_auctions: Vec<PlannedAuction>,
    pub(crate) requests: Box<dyn Iterator<Item = PlannedRequest> + Send>,
    /// Planned duration in seconds.
    pub(crate) seconds: f64,
    /// Number of connections that receive live updates of the most popular auctions.
    pub(crate) listeners: u32,
    /// Whether the run ends only when all auctions have a result.
    pub(crate) until_closed: bool,
    /// Start and end of a burst, in seconds.
    pub(crate) burst: Option<(f64, f64)>,
}

/// End of an auction that outlives the run, in milliseconds from the start.
pub(crate) const LASTING_MS: u64 = 3 * 3600 * 1000;

/// Minimum age of a bid that is repeated or deleted, in microseconds. Usually its outcome is known by then;
/// the checker also handles bids without an outcome.
const REVISIT_DELAY_US: u64 = 1_000_000;

/// Maximum number of bids kept for repetition and deletion.
const MAX_REMEMBERED_BIDS: usize = 20_000;

/// Generates the requests of users who bid against each other.
pub(crate) struct BidderPool {
    random: StdRng,
    mix: Mix,
    arrival_times: ArrivalTimes,
    auction_selector: AuctionSelector,
    users: u32,
    opening: Vec<u64>,
    highest: Vec<u64>,
    /// Latest amount by user and auction.
    latest: HashMap<(u32, u32), u64>,
    /// Bids with a key, oldest first.
    bids: VecDeque<PlannedRequest>,
    keys: u32,
}

/// Selects the auction of a request.
pub(crate) enum AuctionSelector {
    /// By Zipf's law: the n-th auction is selected `n^-exponent` times as often as the first.
    Popular(Zipf<f64>),
    /// One of the auctions that end within `window`. All times are in microseconds, `ends` in ascending
    /// order.
    EndingSoon { ends: Vec<u64>, window: u64 },
}

impl AuctionSelector {
    fn pick(&self, due: u64, random: &mut StdRng) -> u32 {
        match self {
            // Samples are integers from 1 to the number of auctions.
            AuctionSelector::Popular(zipf) => zipf.sample(random) as u32 - 1,
            AuctionSelector::EndingSoon { ends, window } => {
                let last = ends.len().saturating_sub(1);
                let first = ends.partition_point(|end| *end <= due).min(last);
                let until = ends.partition_point(|end| *end <= due + window).clamp(first, last);
                u32::try_from(random.random_range(first..=until)).unwrap_or(u32::MAX)
            }
        }
    }
}

impl BidderPool {
    pub(crate) fn new(
        seed: u64,
        mix: Mix,
        arrival_times: ArrivalTimes,
        auction_selector: AuctionSelector,
        plan: (u32, &[PlannedAuction]),
    ) -> BidderPool {
        let opening: Vec<u64> = plan.1.iter().map(|offer| offer.opening).collect();
        BidderPool {
            random: StdRng::seed_from_u64(seed),
            mix,
            arrival_times,
            auction_selector,
            users: plan.0.max(1),
            highest: opening.clone(),
            opening,
            latest: HashMap::new(),
            bids: VecDeque::new(),
            keys: 0,
        }
    }

    /// Plans a leading bid of a user who sends no other request.
    pub(crate) fn single_bid(&mut self, due: u64, user: u32) -> PlannedRequest {
        let auction = self.auction_selector.pick(due, &mut self.random);
        let amount = self.raise(auction);
        PlannedRequest { due, operation: Operation::Bid, user, auction, amount, key: 0 }
    }

    /// Returns an amount above all bids on an auction.
    fn raise(&mut self, auction: u32) -> u64 {
        let highest = &mut self.highest[auction as usize];
        *highest += self.random.random_range(1..=50);
        *highest
    }

    fn bid(&mut self, mut request: PlannedRequest) -> PlannedRequest {
        request.amount = self.raise(request.auction);
        // Only a quarter of the bids has an idempotency key.
        if request.operation == Operation::Bid && self.random.random_range(0..4) == 0 {
            request.key = self.next_key();
        }
        self.remember(request)
    }

    /// Plans a bid below the highest and above the bidder's own latest, or a leading bid if there is no such
    /// amount.
    fn bid_not_leading(&mut self, mut request: PlannedRequest) -> PlannedRequest {
        let own_latest = self.latest.get(&(request.user, request.auction));
        let min_amount =
            own_latest.map_or(self.opening[request.auction as usize], |own_latest| own_latest + 1);
        let highest = self.highest[request.auction as usize];
        if min_amount >= highest {
            return self.bid(PlannedRequest { operation: Operation::Bid, ..request });
        }
        request.amount = self.random.random_range(min_amount..highest);
        request.key = self.next_key();
        self.remember(request)
    }

    fn next_key(&mut self) -> u32 {
        self.keys += 1;
        self.keys
    }

    fn remember(&mut self, request: PlannedRequest) -> PlannedRequest {
        self.latest.insert((request.user, request.auction), request.amount);
        if request.key > 0 {
            self.bids.push_back(request);
            if self.bids.len() > MAX_REMEMBERED_BIDS {
                self.bids.pop_front();
            }
        }
        request
    }

    /// Picks one of the bids that are old enough to be revisited.
    fn earlier(&mut self, due: u64) -> Option<PlannedRequest> {
        let old = self.bids.partition_point(|bid| bid.due + REVISIT_DELAY_US <= due);
        (old > 0).then(|| self.bids[self.random.random_range(0..old)])
    }

    /// Plans a request about an earlier bid, or a leading bid while there is no earlier one.
    fn repeat_earlier(&mut self, request: PlannedRequest) -> PlannedRequest {
        let Some(bid) = self.earlier(request.due) else {
            return self.bid(PlannedRequest { operation: Operation::Bid, ..request });
        };
        let repeat_earlier = PlannedRequest { due: request.due, operation: request.operation, ..bid };
        match request.operation {
            Operation::BidIllegal => {
                let latest = self.latest.get(&(bid.user, bid.auction)).copied().unwrap_or(bid.amount);
                PlannedRequest {
                    amount: self.random.random_range(1..=latest),
                    key: self.next_key(),
                    ..repeat_earlier
                }
            }
            Operation::KeyReuse => PlannedRequest { amount: bid.amount + 1, ..repeat_earlier },
            _ => repeat_earlier,
        }
    }
}

impl Iterator for BidderPool {
    type Item = PlannedRequest;

    fn next(&mut self) -> Option<PlannedRequest> {
        let due = (self.arrival_times.next(&mut self.random)? * 1e6) as u64;
        let operation = self.mix.pick(&mut self.random);
        let user = self.random.random_range(0..self.users);
        let auction = self.auction_selector.pick(due, &mut self.random);
        let request = PlannedRequest { due, operation, user, auction, amount: 0, key: 0 };
        Some(match operation {
            Operation::Bid | Operation::BidAsync => self.bid(request),
            Operation::BidNotLeading => self.bid_not_leading(request),
            Operation::BidIllegal | Operation::BidRepeat | Operation::KeyReuse | Operation::BidDelete => {
                self.repeat_earlier(request)
            }
            Operation::Invalid
            | Operation::ReadAuction
            | Operation::ReadBids
            | Operation::ReadList
            | Operation::UserDelete => request,
            Operation::SignUp => PlannedRequest { key: self.next_key(), ..request },
        })
    }
}

/// Returns auctions that outlive the run.
pub(crate) fn lasting(auctions: u32) -> Vec<PlannedAuction> {
    vec![PlannedAuction { opening: 100, ends_after: LASTING_MS, promoted: false }; auctions.max(1) as usize]
}

/// Selects auctions by Zipf's law; the first auction is the most popular.
pub(crate) fn popular(among: u32, zipf_exponent: f64) -> Result<AuctionSelector, Failure> {
    let zipf = Zipf::new(f64::from(among.max(1)), zipf_exponent)
        .map_err(|error| format!("--zipf-exponent {zipf_exponent} for {among} auctions: {error}"))?;
    Ok(AuctionSelector::Popular(zipf))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::arrivals::{Arrivals, RateSegment};
    use clap::ValueEnum;

    fn requests(seed: u64) -> Vec<PlannedRequest> {
        let arrival_times = ArrivalTimes::new(Arrivals::Poisson, vec![RateSegment::constant(10.0, 1000.0)]);
        let auction_selector = popular(20, 1.0).unwrap();
        BidderPool::new(seed, Mix::bidding().unwrap(), arrival_times, auction_selector, (50, &lasting(20)))
            .collect()
    }

    #[test]
    fn requests_are_determined_by_the_seed() {
        assert_eq!(requests(1), requests(1));
        assert_ne!(requests(1), requests(2));
    }

    #[test]
    fn requests_have_the_properties_of_their_operation() {
        let mut latest: HashMap<(u32, u32), u64> = HashMap::new();
        let mut highest = [100_u64; 20];
        let mut seen = [0; 13];
        let mut keys: HashMap<u32, (u32, u32, u64)> = HashMap::new();
        for request in requests(5) {
            seen[request.operation as usize] += 1;
            let own_latest = latest.get(&(request.user, request.auction)).copied().unwrap_or(99);
            let high = &mut highest[request.auction as usize];
            match request.operation {
                Operation::Bid | Operation::BidAsync => {
                    assert!(request.amount > *high, "{request:?}, highest {high}")
                }
                Operation::BidNotLeading => {
                    assert!(
                        request.amount < *high && request.amount > own_latest,
                        "{request:?}, {own_latest} to {high}"
                    )
                }
                Operation::BidIllegal => {
                    assert!(request.amount <= own_latest, "{request:?}, own {own_latest}")
                }
                Operation::BidRepeat | Operation::BidDelete => {
                    assert_eq!(keys[&request.key], (request.user, request.auction, request.amount))
                }
                Operation::KeyReuse => assert_ne!(keys[&request.key].2, request.amount),
                _ => continue,
            }
            if matches!(request.operation, Operation::Bid | Operation::BidAsync | Operation::BidNotLeading) {
                latest.insert((request.user, request.auction), request.amount);
                *high = (*high).max(request.amount);
                keys.insert(request.key, (request.user, request.auction, request.amount));
            }
        }
        let missing: Vec<_> =
            Operation::value_variants().iter().filter(|operation| seen[**operation as usize] == 0).collect();
        assert_eq!(
            missing,
            [&Operation::SignUp, &Operation::UserDelete],
            "every operation of the mix was planned: {seen:?}"
        );
    }
}
