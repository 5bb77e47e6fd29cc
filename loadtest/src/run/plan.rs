//! What is asked when and by whom: the same for the same seed, whatever the portal answers.

use crate::Failure;
use crate::run::arrivals::ArrivalTimes;
use crate::run::mix::{Mix, Operation};
use crate::run::popularity::Popularity;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{HashMap, VecDeque};

/// One request. Users and auctions are numbers; the world knows their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedRequest {
    /// When it is due, in microseconds from the start.
    pub(crate) due: u64,
    pub(crate) what: Operation,
    pub(crate) user: u32,
    pub(crate) auction: u32,
    pub(crate) amount: u64,
    /// Which idempotency key it has, from 1; none if 0. Of a deletion: that of the bid.
    pub(crate) key: u32,
}

/// An auction as it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedAuction {
    pub(crate) opening: u64,
    /// When it ends, in milliseconds from the start of the load.
    pub(crate) ends_after: u64,
    /// Whether bids in it are drawn by lot, and doubled.
    pub(crate) promoted: bool,
}

/// Everything that a run asks.
pub(crate) struct Plan {
    pub(crate) users: u32,
    pub(crate) offers: Vec<PlannedAuction>,
    pub(crate) asks: Box<dyn Iterator<Item = PlannedRequest> + Send>,
    /// How long it takes, in seconds.
    pub(crate) seconds: f64,
    /// Connections that listen to the most popular auctions.
    pub(crate) listeners: u32,
    /// Whether the run is over only when all auctions are decided.
    pub(crate) until_closed: bool,
    /// From when to when there was more than usual, in seconds.
    pub(crate) burst: Option<(f64, f64)>,
}

/// An auction that outlives the run.
pub(crate) const LONG: u64 = 3 * 3600 * 1000;

/// So long after a bid somebody comes back to it: to repeat it, or to take it back. Its outcome is there by then,
/// mostly; what is right if it is not, the judge knows.
const LATER: u64 = 1_000_000;

/// At most so many bids are remembered to be come back to.
const REMEMBERED: usize = 20_000;

/// People who bid against each other.
pub(crate) struct BidderPool {
    random: StdRng,
    mix: Mix,
    schedule: ArrivalTimes,
    choice: AuctionSelector,
    users: u32,
    opening: Vec<u64>,
    highest: Vec<u64>,
    /// What each bid last, by user and auction.
    latest: HashMap<(u32, u32), u64>,
    /// Bids with a key, the oldest first.
    bids: VecDeque<PlannedRequest>,
    keys: u32,
}

/// Which auction.
pub(crate) enum AuctionSelector {
    /// The more popular, the more often.
    Popular(Popularity),
    /// The sooner it ends, the more often: by their ends in microseconds, in order.
    EndingSoon { ends: Vec<u64>, window: u64 },
}

impl AuctionSelector {
    fn pick(&self, due: u64, random: &mut StdRng) -> u32 {
        match self {
            AuctionSelector::Popular(popularity) => popularity.pick(random),
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
        schedule: ArrivalTimes,
        choice: AuctionSelector,
        plan: (u32, &[PlannedAuction]),
    ) -> BidderPool {
        let opening: Vec<u64> = plan.1.iter().map(|offer| offer.opening).collect();
        BidderPool {
            random: StdRng::seed_from_u64(seed),
            mix,
            schedule,
            choice,
            users: plan.0.max(1),
            highest: opening.clone(),
            opening,
            latest: HashMap::new(),
            bids: VecDeque::new(),
            keys: 0,
        }
    }

    fn bid(&mut self, mut ask: PlannedRequest) -> PlannedRequest {
        let highest = &mut self.highest[ask.auction as usize];
        *highest += self.random.random_range(1..=50);
        ask.amount = *highest;
        // Not everybody sends a key.
        if ask.what == Operation::Bid && self.random.random_range(0..4) == 0 {
            ask.key = self.next_key();
        }
        self.remember(ask)
    }

    /// Below the highest and above the bidder's own latest, if there is room; else a bid like others.
    fn lower(&mut self, mut ask: PlannedRequest) -> PlannedRequest {
        let own = self.latest.get(&(ask.user, ask.auction));
        let least = own.map_or(self.opening[ask.auction as usize], |own| own + 1);
        let highest = self.highest[ask.auction as usize];
        if least >= highest {
            return self.bid(PlannedRequest { what: Operation::Bid, ..ask });
        }
        ask.amount = self.random.random_range(least..highest);
        ask.key = self.next_key();
        self.remember(ask)
    }

    fn next_key(&mut self) -> u32 {
        self.keys += 1;
        self.keys
    }

    fn remember(&mut self, ask: PlannedRequest) -> PlannedRequest {
        self.latest.insert((ask.user, ask.auction), ask.amount);
        if ask.key > 0 {
            self.bids.push_back(ask);
            if self.bids.len() > REMEMBERED {
                self.bids.pop_front();
            }
        }
        ask
    }

    /// One of the bids of some time ago.
    fn earlier(&mut self, due: u64) -> Option<PlannedRequest> {
        let old = self.bids.partition_point(|bid| bid.due + LATER <= due);
        (old > 0).then(|| self.bids[self.random.random_range(0..old)])
    }

    /// About an earlier bid; a bid, as long as there is none.
    fn again(&mut self, ask: PlannedRequest) -> PlannedRequest {
        let Some(bid) = self.earlier(ask.due) else {
            return self.bid(PlannedRequest { what: Operation::Bid, ..ask });
        };
        let again = PlannedRequest { due: ask.due, what: ask.what, ..bid };
        match ask.what {
            Operation::Illegal => {
                let latest = self.latest.get(&(bid.user, bid.auction)).copied().unwrap_or(bid.amount);
                PlannedRequest { amount: self.random.random_range(1..=latest), key: self.next_key(), ..again }
            }
            Operation::KeyReuse => PlannedRequest { amount: bid.amount + 1, ..again },
            _ => again,
        }
    }
}

impl Iterator for BidderPool {
    type Item = PlannedRequest;

    fn next(&mut self) -> Option<PlannedRequest> {
        let due = (self.schedule.next(&mut self.random)? * 1e6) as u64;
        let what = self.mix.pick(&mut self.random);
        let user = self.random.random_range(0..self.users);
        let auction = self.choice.pick(due, &mut self.random);
        let ask = PlannedRequest { due, what, user, auction, amount: 0, key: 0 };
        Some(match what {
            Operation::Bid | Operation::Unwaited => self.bid(ask),
            Operation::Lower => self.lower(ask),
            Operation::Illegal | Operation::Repeat | Operation::KeyReuse | Operation::Deletion => {
                self.again(ask)
            }
            Operation::Bad | Operation::Auction | Operation::Bids | Operation::List => ask,
            Operation::SignUp => PlannedRequest { key: self.next_key(), ..ask },
        })
    }
}

/// So many auctions that outlive the run.
pub(crate) fn lasting(auctions: u32) -> Vec<PlannedAuction> {
    vec![PlannedAuction { opening: 100, ends_after: LONG, promoted: false }; auctions.max(1) as usize]
}

/// A crowd whose favourites are the first auctions.
pub(crate) fn popular(among: u32, skew: f64) -> Result<AuctionSelector, Failure> {
    Ok(AuctionSelector::Popular(Popularity::new(among, skew)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::arrivals::{Arrivals, RateSegment};

    fn asks(seed: u64) -> Vec<PlannedRequest> {
        let schedule = ArrivalTimes::new(Arrivals::Poisson, vec![RateSegment::even(10.0, 1000.0)]);
        let choice = popular(20, 1.0).unwrap();
        BidderPool::new(seed, Mix::of_bidders(), schedule, choice, (50, &lasting(20))).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_requests_and_another_one_others() {
        assert_eq!(asks(1), asks(1));
        assert_ne!(asks(1), asks(2));
    }

    #[test]
    fn every_request_is_what_it_is_called() {
        let mut latest: HashMap<(u32, u32), u64> = HashMap::new();
        let mut highest = [100_u64; 20];
        let mut seen = [0; 12];
        let mut keys: HashMap<u32, (u32, u32, u64)> = HashMap::new();
        for ask in asks(5) {
            seen[ask.what as usize] += 1;
            let own = latest.get(&(ask.user, ask.auction)).copied().unwrap_or(99);
            let high = &mut highest[ask.auction as usize];
            match ask.what {
                Operation::Bid | Operation::Unwaited => {
                    assert!(ask.amount > *high, "{ask:?}, highest {high}")
                }
                Operation::Lower => {
                    assert!(ask.amount < *high && ask.amount > own, "{ask:?}, {own} to {high}")
                }
                Operation::Illegal => assert!(ask.amount <= own, "{ask:?}, own {own}"),
                Operation::Repeat | Operation::Deletion => {
                    assert_eq!(keys[&ask.key], (ask.user, ask.auction, ask.amount))
                }
                Operation::KeyReuse => assert_ne!(keys[&ask.key].2, ask.amount),
                _ => continue,
            }
            if matches!(ask.what, Operation::Bid | Operation::Unwaited | Operation::Lower) {
                latest.insert((ask.user, ask.auction), ask.amount);
                *high = (*high).max(ask.amount);
                keys.insert(ask.key, (ask.user, ask.auction, ask.amount));
            }
        }
        let missing: Vec<_> = Operation::ALL.into_iter().filter(|what| seen[*what as usize] == 0).collect();
        assert_eq!(missing, [Operation::SignUp], "all but the one that is not in the mix: {seen:?}");
    }
}
