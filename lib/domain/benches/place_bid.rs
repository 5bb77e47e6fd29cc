//! Cost of a bid in an auction with many bids: decision, events and details of the outcome.
//!
//! `cargo bench -p auction-domain` prints a table. Without `--bench`, as in test runs, a small plan checks
//! that the benchmark works.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use auction_domain::auction::{Auction, AuctionCommand, CreateAuction, PlaceBid};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, DurationMs, OperatorId, Timestamp, Title, UserId,
};
use std::hint::black_box;
use std::time::{Duration, Instant};
use uuid::Uuid;

const BIDDERS: u64 = 1_000;
const AT: Timestamp = Timestamp(1_000_000);

struct Plan {
    sizes: &'static [usize],
    /// Number of bids timed per lap.
    timed: usize,
    laps: usize,
}

const BENCH: Plan = Plan { sizes: &[100, 10_000, 100_000], timed: 10_000, laps: 5 };
const SMOKE_TEST: Plan = Plan { sizes: &[100], timed: 20, laps: 1 };

#[derive(Clone, Copy)]
enum Shape {
    /// Each bidder raises their own latest bid in steps of their own size: new bids land at all ranks.
    Scattered,
    /// Each bid is the new highest.
    Ascending,
}

/// xorshift64*: the same bids in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % limit
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.below(u64::MAX), self.below(u64::MAX))
    }
}

/// Endless bids, each above its bidder's latest.
struct Bidding {
    shape: Shape,
    numbers: Numbers,
    latest: Vec<(UserId, u64)>,
    highest: u64,
}

impl Bidding {
    fn new(shape: Shape) -> Bidding {
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        let latest = (0..BIDDERS).map(|_| (UserId(numbers.id()), 0)).collect();
        Bidding { shape, numbers, latest, highest: 0 }
    }

    fn next(&mut self) -> AuctionCommand {
        let index = self.numbers.below(BIDDERS);
        let (bidder, latest) = &mut self.latest[usize::try_from(index).unwrap()];
        *latest = match self.shape {
            Shape::Scattered => *latest + 1 + self.numbers.below(100 * (index + 1)),
            Shape::Ascending => self.highest + 1,
        };
        self.highest = self.highest.max(*latest);
        let (bidder, amount) = (*bidder, Amount::new(*latest).unwrap());
        AuctionCommand::PlaceBid(PlaceBid { bid: BidId(self.numbers.id()), bidder, amount })
    }
}

fn send(auction: &mut Option<Auction>, command: &AuctionCommand) {
    for event in
        command.decide(auction.as_ref(), Actor::Operator(OperatorId::Unidentified), None, AT).unwrap()
    {
        Auction::apply(auction, &event, AT);
    }
    black_box(command.details(auction.as_ref().unwrap()));
}

fn create() -> AuctionCommand {
    AuctionCommand::CreateAuction(Box::new(CreateAuction {
        title: Title::new("A thing").unwrap(),
        description: Description::new("").unwrap(),
        currency: Currency::new("EUR").unwrap(),
        opening_bid: Amount::new(1).unwrap(),
        reserve: None,
        starts_at: None,
        ends_at: AT + DurationMs(1),
        seller: None,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    }))
}

/// Times `timed` bids in auctions of about `size` bids. An auction grows by at most a tenth while it is
/// timed, so a small size takes many auctions.
fn lap(shape: Shape, size: usize, timed: usize) -> Duration {
    let each = (size / 10).min(timed);
    let mut spent = Duration::ZERO;
    for _ in 0..timed / each {
        let (mut auction, mut bidding) = (None, Bidding::new(shape));
        send(&mut auction, &create());
        (0..size).for_each(|_| send(&mut auction, &bidding.next()));
        let bids: Vec<_> = (0..each).map(|_| bidding.next()).collect();
        let start = Instant::now();
        bids.iter().for_each(|bid| send(&mut auction, bid));
        spent += start.elapsed();
        assert_eq!(auction.unwrap().active_bid_count(), size + each);
    }
    spent
}

fn main() {
    let plan = if std::env::args().any(|arg| arg == "--bench") { BENCH } else { SMOKE_TEST };
    println!("{:<10} {:>12} {:>12} {:>8}", "bids", "in auction", "ns per bid", "ratio");
    for (name, shape) in [("scattered", Shape::Scattered), ("ascending", Shape::Ascending)] {
        let mut first = None;
        for size in plan.sizes.iter().copied() {
            let mut laps: Vec<_> = (0..plan.laps).map(|_| lap(shape, size, plan.timed)).collect();
            laps.sort();
            // The median lap is robust against other load on the machine.
            let ns = laps[plan.laps / 2].as_secs_f64() * 1e9 / plan.timed as f64;
            let ratio = ns / *first.get_or_insert(ns);
            println!("{name:<10} {size:>12} {ns:>12.0} {ratio:>8.2}");
        }
    }
}
