//! What goes wrong. Each kind begins, holds for a time, and ends before its function returns; what it needs to itself
//! (a process, the servers, the network) it holds meanwhile, so that two at once do not undo each other: they happen one
//! after the other then.

mod clock;
mod deployment;
mod disk;
mod network;
mod postgres;
mod processes;
mod redis;

use crate::Failure;
use crate::faults::fleet::{Fleet, ROLES};
use crate::faults::slot::Slot;
use auction_testkit::random::Random;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    KillProcess,
    KillRedis,
    KillPostgres,
    PauseProcess,
    NetworkSlow,
    NetworkHeld,
    NetworkCuts,
    RedisMemory,
    RedisFlushed,
    RedisDiskFull,
    PostgresConnections,
    PostgresTimeouts,
    PostgresDiskFull,
    WrongClock,
    KillAll,
    Deployment,
}

impl Kind {
    pub(crate) const ALL: [Kind; 16] = [
        Kind::KillProcess,
        Kind::KillRedis,
        Kind::KillPostgres,
        Kind::PauseProcess,
        Kind::NetworkSlow,
        Kind::NetworkHeld,
        Kind::NetworkCuts,
        Kind::RedisMemory,
        Kind::RedisFlushed,
        Kind::RedisDiskFull,
        Kind::PostgresConnections,
        Kind::PostgresTimeouts,
        Kind::PostgresDiskFull,
        Kind::WrongClock,
        Kind::KillAll,
        Kind::Deployment,
    ];

    /// How it is called in `--kinds` and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::KillProcess => "kill-process",
            Kind::KillRedis => "kill-redis",
            Kind::KillPostgres => "kill-postgres",
            Kind::PauseProcess => "pause-process",
            Kind::NetworkSlow => "network-slow",
            Kind::NetworkHeld => "network-held",
            Kind::NetworkCuts => "network-cuts",
            Kind::RedisMemory => "redis-memory",
            Kind::RedisFlushed => "redis-flushed",
            Kind::RedisDiskFull => "redis-disk-full",
            Kind::PostgresConnections => "postgres-connections",
            Kind::PostgresTimeouts => "postgres-timeouts",
            Kind::PostgresDiskFull => "postgres-disk-full",
            Kind::WrongClock => "wrong-clock",
            Kind::KillAll => "kill-all",
            Kind::Deployment => "deployment",
        }
    }

    /// How often, beside the others.
    fn weight(self) -> usize {
        match self {
            Kind::KillProcess => 6,
            Kind::PauseProcess => 4,
            Kind::KillRedis | Kind::KillPostgres | Kind::NetworkHeld | Kind::NetworkCuts => 2,
            _ => 1,
        }
    }

    /// Whether another fault may happen at the same time. What has a promise of its own, or takes a server away until it
    /// is over, is alone.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Kind::KillAll | Kind::Deployment | Kind::RedisDiskFull | Kind::PostgresDiskFull)
    }

    /// Whether this fleet can have it.
    pub(crate) fn is_possible(self, fleet: &Fleet) -> bool {
        match self {
            Kind::RedisDiskFull | Kind::PostgresDiskFull => fleet.disks.is_some(),
            Kind::WrongClock => fleet.slots.iter().all(|slot| slot.clock.is_some()),
            _ => true,
        }
    }

    /// Does it, from beginning to end.
    pub(crate) async fn happen(self, fleet: &Fleet, mut random: Random) -> Result<Happened, Failure> {
        let (fleet, random) = (fleet, &mut random);
        match self {
            Kind::KillProcess => processes::kill(fleet, random).await,
            Kind::PauseProcess => processes::pause(fleet, random).await,
            Kind::KillRedis => redis::kill(fleet, random).await,
            Kind::RedisMemory => redis::memory(fleet, random).await,
            Kind::RedisFlushed => redis::flush(fleet).await,
            Kind::KillPostgres => postgres::kill(fleet, random).await,
            Kind::PostgresConnections => postgres::connections(fleet, random).await,
            Kind::PostgresTimeouts => postgres::timeouts(fleet, random).await,
            Kind::RedisDiskFull => disk::redis(fleet, random).await,
            Kind::PostgresDiskFull => disk::postgres(fleet, random).await,
            Kind::NetworkSlow => network::slow(fleet, random).await,
            Kind::NetworkHeld => network::held(fleet, random).await,
            Kind::NetworkCuts => network::cuts(fleet, random).await,
            Kind::WrongClock => clock::wrong(fleet, random).await,
            Kind::KillAll => processes::kill_all(fleet, random).await,
            Kind::Deployment => deployment::roll(fleet).await,
        }
    }
}

/// What happened.
pub(crate) struct Happened {
    /// What was done to whom, in words.
    pub(crate) what: String,
    /// The role of the process that it happened to; none if it was more than one.
    pub(crate) role: Option<&'static str>,
}

impl Happened {
    fn to(slot: &Slot, what: String) -> Happened {
        Happened { what, role: Some(slot.role) }
    }

    fn to_all(what: String) -> Happened {
        Happened { what, role: None }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("{text:?} is none of {}", Kind::ALL.map(Kind::name).join(", ")))
    }
}

/// Kinds in an order that only the seed knows, each as often as its weight, again and again.
pub(crate) struct Deck {
    kinds: Vec<Kind>,
    left: Vec<Kind>,
}

impl Deck {
    pub(crate) fn new(kinds: Vec<Kind>) -> Deck {
        Deck { kinds, left: Vec::new() }
    }

    pub(crate) fn draw(&mut self, random: &mut Random) -> Option<Kind> {
        if self.left.is_empty() {
            let often = |kind: &Kind| std::iter::repeat_n(*kind, kind.weight());
            // Each once before any of them comes again: a short run sees as many as it can.
            let more = self.kinds.iter().flat_map(often);
            let mut rest: Vec<Kind> = more.collect();
            let mut firsts = self.kinds.clone();
            for kind in &firsts {
                rest.extract_if(.., |one| one == kind).take(1).for_each(drop);
            }
            shuffle(&mut rest, random);
            shuffle(&mut firsts, random);
            self.left = rest;
            // The last ones are drawn first.
            self.left.extend(firsts);
        }
        self.left.pop()
    }
}

fn shuffle(kinds: &mut [Kind], random: &mut Random) {
    for n in (1..kinds.len()).rev() {
        kinds.swap(n, random.below(n as u64 + 1) as usize);
    }
}

/// One of the processes, whichever it is.
fn any<'a>(fleet: &'a Fleet, random: &mut Random) -> &'a Slot {
    let role = *random.pick(&ROLES);
    let slots = fleet.of(role);
    slots[random.below(slots.len() as u64) as usize]
}

/// Between so many milliseconds.
fn between(random: &mut Random, least: u64, most: u64) -> Duration {
    Duration::from_millis(least + random.below(most - least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("earthquake".parse::<Kind>().is_err());
    }

    #[test]
    fn each_kind_comes_once_before_any_comes_again_and_the_seed_decides_the_order() {
        let draw = |seed| {
            let (mut deck, mut random) = (Deck::new(Kind::ALL.to_vec()), Random::new(seed));
            std::iter::from_fn(|| deck.draw(&mut random)).take(60).collect::<Vec<_>>()
        };
        let drawn = draw(1);
        let mut first = drawn[..Kind::ALL.len()].to_vec();
        first.sort_unstable();
        assert_eq!(first, Kind::ALL);
        let kills = drawn.iter().filter(|kind| **kind == Kind::KillProcess).count();
        assert!(kills > 6, "{kills}");
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
    }
}
