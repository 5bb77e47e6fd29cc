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
pub(crate) enum FaultKind {
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

impl FaultKind {
    pub(crate) const ALL: [FaultKind; 16] = [
        FaultKind::KillProcess,
        FaultKind::KillRedis,
        FaultKind::KillPostgres,
        FaultKind::PauseProcess,
        FaultKind::NetworkSlow,
        FaultKind::NetworkHeld,
        FaultKind::NetworkCuts,
        FaultKind::RedisMemory,
        FaultKind::RedisFlushed,
        FaultKind::RedisDiskFull,
        FaultKind::PostgresConnections,
        FaultKind::PostgresTimeouts,
        FaultKind::PostgresDiskFull,
        FaultKind::WrongClock,
        FaultKind::KillAll,
        FaultKind::Deployment,
    ];

    /// How it is called in `--kinds` and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FaultKind::KillProcess => "kill-process",
            FaultKind::KillRedis => "kill-redis",
            FaultKind::KillPostgres => "kill-postgres",
            FaultKind::PauseProcess => "pause-process",
            FaultKind::NetworkSlow => "network-slow",
            FaultKind::NetworkHeld => "network-held",
            FaultKind::NetworkCuts => "network-cuts",
            FaultKind::RedisMemory => "redis-memory",
            FaultKind::RedisFlushed => "redis-flushed",
            FaultKind::RedisDiskFull => "redis-disk-full",
            FaultKind::PostgresConnections => "postgres-connections",
            FaultKind::PostgresTimeouts => "postgres-timeouts",
            FaultKind::PostgresDiskFull => "postgres-disk-full",
            FaultKind::WrongClock => "wrong-clock",
            FaultKind::KillAll => "kill-all",
            FaultKind::Deployment => "deployment",
        }
    }

    /// How often, beside the others.
    fn weight(self) -> usize {
        match self {
            FaultKind::KillProcess => 6,
            FaultKind::PauseProcess => 4,
            FaultKind::KillRedis
            | FaultKind::KillPostgres
            | FaultKind::NetworkHeld
            | FaultKind::NetworkCuts => 2,
            _ => 1,
        }
    }

    /// Whether another fault may happen at the same time. What has a promise of its own, or takes a server away until it
    /// is over, is alone.
    pub(crate) fn is_alone(self) -> bool {
        matches!(
            self,
            FaultKind::KillAll
                | FaultKind::Deployment
                | FaultKind::RedisDiskFull
                | FaultKind::PostgresDiskFull
        )
    }

    /// Whether this fleet can have it.
    pub(crate) fn is_possible(self, fleet: &Fleet) -> bool {
        match self {
            FaultKind::RedisDiskFull | FaultKind::PostgresDiskFull => fleet.disks.is_some(),
            FaultKind::WrongClock => fleet.slots.iter().all(|slot| slot.clock.is_some()),
            _ => true,
        }
    }

    /// Does it, from beginning to end.
    pub(crate) async fn happen(self, fleet: &Fleet, mut random: Random) -> Result<FaultRecord, Failure> {
        let (fleet, random) = (fleet, &mut random);
        match self {
            FaultKind::KillProcess => processes::kill(fleet, random).await,
            FaultKind::PauseProcess => processes::pause(fleet, random).await,
            FaultKind::KillRedis => redis::kill(fleet, random).await,
            FaultKind::RedisMemory => redis::memory(fleet, random).await,
            FaultKind::RedisFlushed => redis::flush(fleet).await,
            FaultKind::KillPostgres => postgres::kill(fleet, random).await,
            FaultKind::PostgresConnections => postgres::connections(fleet, random).await,
            FaultKind::PostgresTimeouts => postgres::timeouts(fleet, random).await,
            FaultKind::RedisDiskFull => disk::redis(fleet, random).await,
            FaultKind::PostgresDiskFull => disk::postgres(fleet, random).await,
            FaultKind::NetworkSlow => network::slow(fleet, random).await,
            FaultKind::NetworkHeld => network::held(fleet, random).await,
            FaultKind::NetworkCuts => network::cuts(fleet, random).await,
            FaultKind::WrongClock => clock::wrong(fleet, random).await,
            FaultKind::KillAll => processes::kill_all(fleet, random).await,
            FaultKind::Deployment => deployment::roll(fleet).await,
        }
    }
}

/// What happened.
pub(crate) struct FaultRecord {
    /// What was done to whom, in words.
    pub(crate) what: String,
    /// The role of the process that it happened to; none if it was more than one.
    pub(crate) role: Option<&'static str>,
}

impl FaultRecord {
    fn to(slot: &Slot, what: String) -> FaultRecord {
        FaultRecord { what, role: Some(slot.role) }
    }

    fn to_all(what: String) -> FaultRecord {
        FaultRecord { what, role: None }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<FaultKind, String> {
        let found = FaultKind::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("{text:?} is none of {}", FaultKind::ALL.map(FaultKind::name).join(", ")))
    }
}

/// Kinds in an order that only the seed knows, each as often as its weight, again and again.
pub(crate) struct FaultPicker {
    kinds: Vec<FaultKind>,
    left: Vec<FaultKind>,
}

impl FaultPicker {
    pub(crate) fn new(kinds: Vec<FaultKind>) -> FaultPicker {
        FaultPicker { kinds, left: Vec::new() }
    }

    pub(crate) fn draw(&mut self, random: &mut Random) -> Option<FaultKind> {
        if self.left.is_empty() {
            let often = |kind: &FaultKind| std::iter::repeat_n(*kind, kind.weight());
            // Each once before any of them comes again: a short run sees as many as it can.
            let more = self.kinds.iter().flat_map(often);
            let mut rest: Vec<FaultKind> = more.collect();
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

fn shuffle(kinds: &mut [FaultKind], random: &mut Random) {
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
        for kind in FaultKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("earthquake".parse::<FaultKind>().is_err());
    }

    #[test]
    fn each_kind_comes_once_before_any_comes_again_and_the_seed_decides_the_order() {
        let draw = |seed| {
            let (mut deck, mut random) = (FaultPicker::new(FaultKind::ALL.to_vec()), Random::new(seed));
            std::iter::from_fn(|| deck.draw(&mut random)).take(60).collect::<Vec<_>>()
        };
        let drawn = draw(1);
        let mut first = drawn[..FaultKind::ALL.len()].to_vec();
        first.sort_unstable();
        assert_eq!(first, FaultKind::ALL);
        let kills = drawn.iter().filter(|kind| **kind == FaultKind::KillProcess).count();
        assert!(kills > 6, "{kills}");
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
    }
}
