//! Kinds of faults. Each kind starts, lasts and ends within one function call. Meanwhile it locks what it
//! changes (a process, the servers, the network). Two faults at once that need the same lock run one after
//! the other.

mod clock;
mod deployment;
mod disk;
mod failover;
mod logs;
mod network;
mod postgres;
mod power_cut;
mod processes;
mod redis;
mod shared_redis;

use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::slot::Slot;
use auction_testkit::random::Random;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::fmt;
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
    SharedRedis,
    RedisClock,
    PostgresConnections,
    PostgresTimeouts,
    PostgresReadOnly,
    PostgresFailover,
    PostgresDiskFull,
    ClosedConnections,
    WrongClock,
    LogStalled,
    LogClosed,
    KillAll,
    Deployment,
}

impl FaultKind {
    pub(crate) const ALL: [FaultKind; 25] = [
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
        FaultKind::SharedRedis,
        FaultKind::RedisClock,
        FaultKind::PostgresConnections,
        FaultKind::PostgresTimeouts,
        FaultKind::PostgresReadOnly,
        FaultKind::PostgresFailover,
        FaultKind::PostgresDiskFull,
        FaultKind::ClosedConnections,
        FaultKind::WrongClock,
        FaultKind::LogStalled,
        FaultKind::LogClosed,
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
            FaultKind::SharedRedis => "shared-redis",
            FaultKind::RedisClock => "redis-clock",
            FaultKind::PostgresConnections => "postgres-connections",
            FaultKind::PostgresTimeouts => "postgres-timeouts",
            FaultKind::PostgresReadOnly => "postgres-read-only",
            FaultKind::PostgresFailover => "postgres-failover",
            FaultKind::PostgresDiskFull => "postgres-disk-full",
            FaultKind::ClosedConnections => "closed-connections",
            FaultKind::WrongClock => "wrong-clock",
            FaultKind::LogStalled => "log-stalled",
            FaultKind::LogClosed => "log-closed",
            FaultKind::KillAll => "kill-all",
            FaultKind::Deployment => "deployment",
        }
    }

    /// Relative frequency of the kind.
    pub(crate) fn weight(self) -> usize {
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
            FaultKind::RedisClock => fleet.redis_machine.is_some(),
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
            FaultKind::SharedRedis => shared_redis::share(fleet, random).await,
            FaultKind::RedisClock => power_cut::after_clock_jump(fleet, random).await,
            FaultKind::KillPostgres => postgres::kill(fleet, random).await,
            FaultKind::PostgresConnections => postgres::connections(fleet, random).await,
            FaultKind::PostgresTimeouts => postgres::timeouts(fleet, random).await,
            FaultKind::PostgresReadOnly => postgres::read_only(fleet, random).await,
            FaultKind::PostgresFailover => failover::there_and_back(fleet, random).await,
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
            FaultKind::LogStalled => logs::stalled(fleet, random).await,
            FaultKind::LogClosed => logs::closed(fleet, random).await,
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

impl ValueEnum for FaultKind {
    fn value_variants<'a>() -> &'a [FaultKind] {
        &FaultKind::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
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
    fn every_kind_is_an_option_value_once() {
        let mut kinds = FaultKind::ALL.map(|kind| FaultKind::from_str(kind.name(), false)).to_vec();
        assert_eq!(kinds, FaultKind::ALL.map(Ok));
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), FaultKind::ALL.len());
    }
}
