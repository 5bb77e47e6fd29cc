//! Kinds of faults. Each kind starts, lasts and ends within one function call. Meanwhile it locks what it
//! changes (a process, the servers, the network). Two faults at once that need the same lock run one after
//! the other.

mod clock;
mod deployment;
mod disk;
mod network;
mod postgres;
mod processes;
mod redis;

use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::slot::Slot;
use auction_testkit::random::Random;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum FaultKind {
    KillProcess,
    KillRepeatedly,
    KillRedis,
    KillPostgres,
    PauseProcess,
    NetworkSlow,
    NetworkHeld,
    NetworkCuts,
    RedisMemory,
    RedisFlushed,
    RedisDiskFull,
    RedisReplica,
    PostgresConnections,
    PostgresTimeouts,
    PostgresReadOnly,
    PostgresDiskFull,
    ClosedConnections,
    WrongClock,
    KillAll,
    Deployment,
}

impl FaultKind {
    pub(crate) const ALL: [FaultKind; 20] = [
        FaultKind::KillProcess,
        FaultKind::KillRepeatedly,
        FaultKind::KillRedis,
        FaultKind::KillPostgres,
        FaultKind::PauseProcess,
        FaultKind::NetworkSlow,
        FaultKind::NetworkHeld,
        FaultKind::NetworkCuts,
        FaultKind::RedisMemory,
        FaultKind::RedisFlushed,
        FaultKind::RedisDiskFull,
        FaultKind::RedisReplica,
        FaultKind::PostgresConnections,
        FaultKind::PostgresTimeouts,
        FaultKind::PostgresReadOnly,
        FaultKind::PostgresDiskFull,
        FaultKind::ClosedConnections,
        FaultKind::WrongClock,
        FaultKind::KillAll,
        FaultKind::Deployment,
    ];

    /// Returns the name used in `--kinds` and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FaultKind::KillProcess => "kill-process",
            FaultKind::KillRepeatedly => "kill-repeatedly",
            FaultKind::KillRedis => "kill-redis",
            FaultKind::KillPostgres => "kill-postgres",
            FaultKind::PauseProcess => "pause-process",
            FaultKind::NetworkSlow => "network-slow",
            FaultKind::NetworkHeld => "network-held",
            FaultKind::NetworkCuts => "network-cuts",
            FaultKind::RedisMemory => "redis-memory",
            FaultKind::RedisFlushed => "redis-flushed",
            FaultKind::RedisDiskFull => "redis-disk-full",
            FaultKind::RedisReplica => "redis-replica",
            FaultKind::PostgresConnections => "postgres-connections",
            FaultKind::PostgresTimeouts => "postgres-timeouts",
            FaultKind::PostgresReadOnly => "postgres-read-only",
            FaultKind::PostgresDiskFull => "postgres-disk-full",
            FaultKind::ClosedConnections => "closed-connections",
            FaultKind::WrongClock => "wrong-clock",
            FaultKind::KillAll => "kill-all",
            FaultKind::Deployment => "deployment",
        }
    }

    /// Relative frequency of the kind.
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

    /// Whether no other fault may run at the same time. Such kinds have their own guarantee, or keep a server
    /// down until they end.
    pub(crate) fn is_exclusive(self) -> bool {
        matches!(
            self,
            FaultKind::KillAll
                | FaultKind::Deployment
                | FaultKind::RedisDiskFull
                | FaultKind::PostgresDiskFull
        )
    }

    /// Whether this fleet supports the fault.
    pub(crate) fn is_possible(self, fleet: &Fleet) -> bool {
        match self {
            FaultKind::RedisDiskFull | FaultKind::PostgresDiskFull => fleet.disks.is_some(),
            FaultKind::WrongClock => fleet.slots.iter().all(|slot| slot.clock.is_some()),
            _ => true,
        }
    }

    /// Injects the fault and waits until it has ended.
    pub(crate) async fn inject(self, fleet: &Fleet, mut random: Random) -> Result<FaultRecord, Failure> {
        let (fleet, random) = (fleet, &mut random);
        match self {
            FaultKind::KillProcess => processes::kill(fleet, random).await,
            FaultKind::KillRepeatedly => processes::kill_repeatedly(fleet, random).await,
            FaultKind::PauseProcess => processes::pause(fleet, random).await,
            FaultKind::KillRedis => redis::kill(fleet, random).await,
            FaultKind::RedisMemory => redis::memory(fleet, random).await,
            FaultKind::RedisFlushed => redis::flush(fleet).await,
            FaultKind::RedisReplica => redis::replica(fleet, random).await,
            FaultKind::KillPostgres => postgres::kill(fleet, random).await,
            FaultKind::PostgresConnections => postgres::connections(fleet, random).await,
            FaultKind::PostgresTimeouts => postgres::timeouts(fleet, random).await,
            FaultKind::PostgresReadOnly => postgres::read_only(fleet, random).await,
            FaultKind::ClosedConnections => {
                redis::close_connections(fleet).await?;
                postgres::close_connections(fleet).await
            }
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

/// Description of an injected fault.
pub(crate) struct FaultRecord {
    /// The affected process and the parameters.
    pub(crate) description: String,
    /// Component of the affected process; none if several were affected.
    pub(crate) component: Option<&'static str>,
}

impl FaultRecord {
    fn of_process(slot: &Slot, description: String) -> FaultRecord {
        FaultRecord { description, component: Some(slot.component) }
    }

    fn of_many(description: String) -> FaultRecord {
        FaultRecord { description, component: None }
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
        found.ok_or_else(|| {
            format!("unknown fault {text:?}; faults: {}", FaultKind::ALL.map(FaultKind::name).join(", "))
        })
    }
}

/// Picks kinds of faults in random order, each as often as its weight per cycle.
pub(crate) struct FaultPicker {
    kinds: Vec<FaultKind>,
    remaining: Vec<FaultKind>,
}

impl FaultPicker {
    pub(crate) fn new(kinds: Vec<FaultKind>) -> FaultPicker {
        FaultPicker { kinds, remaining: Vec::new() }
    }

    pub(crate) fn pick_next(&mut self, random: &mut Random) -> Option<FaultKind> {
        if self.remaining.is_empty() {
            let repeated = |kind: &FaultKind| std::iter::repeat_n(*kind, kind.weight());
            // Each kind occurs once before any repeats, so that short runs see as many kinds as possible.
            let weighted = self.kinds.iter().flat_map(repeated);
            let mut repeats: Vec<FaultKind> = weighted.collect();
            let mut first_cycle = self.kinds.clone();
            for kind in &first_cycle {
                repeats.extract_if(.., |one| one == kind).take(1).for_each(drop);
            }
            shuffle(&mut repeats, random);
            shuffle(&mut first_cycle, random);
            self.remaining = repeats;
            // `pick_next` takes from the end.
            self.remaining.extend(first_cycle);
        }
        self.remaining.pop()
    }
}

fn shuffle(kinds: &mut [FaultKind], random: &mut Random) {
    for n in (1..kinds.len()).rev() {
        kinds.swap(n, random.below(n as u64 + 1) as usize);
    }
}

/// Picks a random process of the components that faults affect.
fn random_slot<'a>(fleet: &'a Fleet, random: &mut Random) -> &'a Slot {
    let component = random.pick(&fleet.targets);
    let slots = fleet.of(component);
    slots[random.below(slots.len() as u64) as usize]
}

/// Returns a random duration from `min` to `max` milliseconds.
fn random_duration(random: &mut Random, min: u64, max: u64) -> Duration {
    Duration::from_millis(min + random.below(max - min))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_names_round_trip() {
        for kind in FaultKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("earthquake".parse::<FaultKind>().is_err());
    }

    #[test]
    fn picker_uses_every_kind_once_before_repeating() {
        let pick = |seed| {
            let (mut picker, mut random) = (FaultPicker::new(FaultKind::ALL.to_vec()), Random::new(seed));
            std::iter::from_fn(|| picker.pick_next(&mut random)).take(60).collect::<Vec<_>>()
        };
        let picked = pick(1);
        let mut first = picked[..FaultKind::ALL.len()].to_vec();
        first.sort_unstable();
        assert_eq!(first, FaultKind::ALL);
        let kills = picked.iter().filter(|kind| **kind == FaultKind::KillProcess).count();
        assert!(kills > 6, "{kills}");
        assert_eq!(picked, pick(1));
        assert_ne!(picked, pick(2));
    }
}
