//! Named scenarios, listed in [`ALL`]. Most of them are bids by a pool of bidders on auctions that outlive the
//! run.

mod closing_rush;
mod deletions;
mod real;

use crate::Failure;
use crate::run::arrivals::{ArrivalTimes, RateSegment};
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{BidderPool, Plan, lasting, popular};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Plans the requests; the second argument is the seed.
    pub(crate) plan: fn(&LoadArgs, u64) -> Result<Plan, Failure>,
}

pub(crate) const ALL: [Scenario; 10] = [
    Scenario {
        name: "steady",
        description: "A constant rate on 200 auctions, a few of them popular: leading and lower bids, valid and invalid \
                      requests, repeated and deleted bids, and reads.",
        plan: steady,
    },
    Scenario {
        name: "hot-auction",
        description: "The load of `steady` on one auction: one partition decides all commands in order, and the ranking of \
                      the auction grows.",
        plan: |load, seed| plan(load, seed, 1, Mix::bidding()?, &constant(load.rate, load)),
    },
    closing_rush::CLOSING_RUSH,
    deletions::DELETIONS,
    Scenario {
        name: "burst",
        description: "The load of `steady`; after a third of the time the rate is ten times as high for 5 s. Reports how \
                      long it takes until p99 is at most twice its value before the burst.",
        plan: burst,
    },
    Scenario {
        name: "sign-up-during-backlog",
        description: "Bids that do not wait for their outcome arrive at twenty times --rate and build a backlog, while \
                      users sign up. Creations use their own command stream and must not queue behind the bids.",
        plan: |load, seed| {
            // Hashing a password costs as much as hundreds of bids.
            let mix = Mix::new(&[(Operation::BidAsync, 1_000), (Operation::SignUp, 1)])?;
            plan(load, seed, AUCTIONS, mix, &constant(20.0 * load.rate, load))
        },
    },
    Scenario {
        name: "read-mostly",
        description: "90 % of the requests read auctions, bids, and the list of auctions that end soon; 10 % are bids.",
        plan: |load, seed| {
            let mix = Mix::new(&[
                (Operation::ReadAuction, 70),
                (Operation::ReadBids, 12),
                (Operation::ReadList, 8),
                (Operation::Bid, 8),
                (Operation::BidNotLeading, 2),
            ])?;
            plan(load, seed, 1_000, mix, &constant(load.rate, load))
        },
    },
    Scenario {
        name: "live-listeners",
        description: "The load of `steady` on 50 auctions, and 1000 connections (--listeners) that receive every event \
                      live. Checks that events arrive in order and without gaps, and measures their delay.",
        plan: |load, seed| {
            let plan = plan(load, seed, 50, Mix::bidding()?, &constant(load.rate, load))?;
            Ok(Plan { listeners: load.listeners.unwrap_or(1_000), ..plan })
        },
    },
    real::REAL,
    Scenario {
        name: FIND_MAX,
        description: "The load of `steady` for --seconds at one rate after the other. Searches the highest rate at which \
                      99 % of the outcomes arrive within --max-p99 (100 ms) and all requests are served. Checks each step.",
        plan: steady,
    },
];

/// Scenario that is repeated at several rates to find the highest sustainable one.
pub(crate) const FIND_MAX: &str = "find-max";

/// Default number of auctions.
const AUCTIONS: u32 = 200;

/// Duration of a burst in seconds, and its rate as a multiple of `--rate`.
const BURST_SECONDS: f64 = 5.0;
const BURST_FACTOR: f64 = 10.0;

pub(crate) fn find(name: &str) -> Result<&'static Scenario, Failure> {
    let names = || ALL.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
    let found = ALL.iter().find(|scenario| scenario.name == name);
    Ok(found.ok_or_else(|| format!("unknown scenario {name:?}; scenarios: {}", names()))?)
}

fn steady(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    plan(load, seed, AUCTIONS, Mix::bidding()?, &constant(load.rate, load))
}

fn burst(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let before = load.seconds / 3.0;
    let after = load.seconds - before - BURST_SECONDS;
    if after < BURST_SECONDS {
        return Err(
            format!("--seconds {}: the scenario burst needs at least 15 seconds", load.seconds).into()
        );
    }
    let segments = [
        RateSegment::constant(before, load.rate),
        RateSegment::constant(BURST_SECONDS, BURST_FACTOR * load.rate),
        RateSegment::constant(after, load.rate),
    ];
    let plan = plan(load, seed, AUCTIONS, Mix::bidding()?, &segments)?;
    Ok(Plan { burst: Some((before, before + BURST_SECONDS)), ..plan })
}

fn constant(rate: f64, load: &LoadArgs) -> [RateSegment; 1] {
    [RateSegment::constant(load.seconds, rate)]
}

/// Plans a load by a pool of bidders at the rates of the segments. `auctions` and `mix` are defaults.
fn plan(
    load: &LoadArgs,
    seed: u64,
    auctions: u32,
    mix: Mix,
    segments: &[RateSegment],
) -> Result<Plan, Failure> {
    let planned_auctions = lasting(load.auctions.unwrap_or(auctions));
    let arrival_times = ArrivalTimes::new(load.arrivals, segments.to_vec());
    let seconds = arrival_times.seconds();
    let auction_selector = popular(u32::try_from(planned_auctions.len())?, load.zipf_exponent)?;
    let mix = load.mix.clone().unwrap_or(mix);
    let bidder_pool =
        BidderPool::new(seed, mix, arrival_times, auction_selector, (load.users, &planned_auctions));
    Ok(Plan {
        users: load.users,
        planned_auctions,
        requests: Box::new(bidder_pool),
        seconds,
        listeners: load.listeners.unwrap_or_default(),
        until_closed: false,
        burst: None,
    })
}
