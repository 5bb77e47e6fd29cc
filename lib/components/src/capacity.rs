//! Checks at start that the backends can carry the connections that this process opens.
//!
//! A process that gets only some of its connections never becomes ready, and may keep other processes from
//! becoming ready. So the limit is refused with numbers before any work starts.

use crate::component::{Component, PLACER_CONNECTIONS};
use crate::connections::Connections;
use crate::settings::{Concurrency, Settings};
use auction_app::ports::Unavailable;
use std::fmt;
use std::ops::Add;
use thiserror::Error;

/// Connections that a process opens at most: when it owns all partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ConnectionCount {
    postgres: u64,
    redis: u64,
}

impl Add for ConnectionCount {
    type Output = ConnectionCount;

    fn add(self, other: ConnectionCount) -> ConnectionCount {
        ConnectionCount { postgres: self.postgres + other.postgres, redis: self.redis + other.redis }
    }
}

/// Error: a backend cannot carry the connections of this process.
#[derive(Debug, Error, PartialEq, Eq)]
pub struct TooManyConnections {
    partitions: u16,
    backend: &'static str,
    needed: u64,
    allowed: u64,
    /// Setting of the backend that limits its connections.
    setting: &'static str,
}

impl fmt::Display for TooManyConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooManyConnections { partitions, backend, needed, allowed, setting } = self;
        write!(
            f,
            "{backend}: this process opens up to {needed} connections when it owns all {partitions} partitions, and \
             the server allows {allowed}. Raise {setting} by at least {}, and by as much again for each further \
             process, or set a smaller number of `partitions` for a new portal",
            needed - allowed
        )
    }
}

/// Returns the connections of one component. Each number is the sum of the constants and pools of its tasks.
fn connections_of(component: Component, settings: &Settings) -> ConnectionCount {
    let partitions = u64::from(settings.partitions);
    let count = |postgres, redis| ConnectionCount { postgres, redis };
    // A consumer has one of each per partition, two for parked events and one for leases.
    let consumers = count(partitions + 2, partitions + 1);
    // The draw secret and the draw options.
    let draws = count(2, 0);
    match component {
        Component::Ingress => {
            let pool = settings.ingress.max_postgres_connections.get() as u64;
            // Queue, load, decisions, replies, live updates, and two subscriptions.
            count(pool, 7) + draws
        }
        Component::Writer => {
            let locks = u64::from(settings.writer.concurrency == Concurrency::Pessimistic);
            // Snapshots and retention; leases and retention.
            count((2 + locks) * partitions + 2, 2 * partitions + 2)
        }
        // One more for the read models.
        Component::Projector => consumers + count(0, partitions),
        // User deletions, and the queue.
        Component::Auctioneer => consumers + count(1, 1),
        Component::Notifier => {
            let email = u64::from(settings.email.smtp_url.is_some());
            // One more for the notifications; the placers and webhooks; announcements.
            consumers + count(partitions + PLACER_CONNECTIONS as u64 + 1 + email, 1)
        }
        Component::Promoter => consumers + draws + count(0, 1),
    }
}

fn needed(components: &[Component], settings: &Settings) -> ConnectionCount {
    // The pool of Redis is shared by all components of a process.
    let pool = ConnectionCount { postgres: 0, redis: settings.ingress.max_redis_connections.get() as u64 };
    components.iter().map(|component| connections_of(*component, settings)).fold(pool, Add::add)
}

/// Returns the connections that Postgres must allow for these components alone.
pub(crate) fn postgres_connections(components: &[Component], settings: &Settings) -> u64 {
    needed(components, settings).postgres
}

/// Reasons the capacity is not sufficient, or unknown.
#[derive(Debug, Error)]
pub(crate) enum CapacityError {
    #[error(transparent)]
    TooManyConnections(#[from] TooManyConnections),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Compares the connections of these components with the limits of both backends.
pub(crate) async fn check(
    connections: &Connections,
    settings: &Settings,
    components: &[Component],
) -> Result<(), CapacityError> {
    let needed = needed(components, settings);
    let partitions = settings.partitions;
    let postgres = connections.stores.max_connections().await?;
    compare(partitions, "postgres", needed.postgres, postgres, "max_connections")?;
    // A server that does not disclose its limit is not checked.
    if let Some(redis) = connections.redis.max_clients().await? {
        compare(partitions, "redis", needed.redis, redis, "maxclients")?;
    }
    Ok(())
}

fn compare(
    partitions: u16,
    backend: &'static str,
    needed: u64,
    allowed: u64,
    setting: &'static str,
) -> Result<(), TooManyConnections> {
    if needed <= allowed {
        return Ok(());
    }
    Err(TooManyConnections { partitions, backend, needed, allowed, setting })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SettingsLayers;

    #[test]
    fn connections_beyond_the_limit_are_refused_with_numbers() {
        let flags = vec![("partitions", "100".to_owned())];
        let settings = Settings::load(&SettingsLayers { flags, ..SettingsLayers::default() }).unwrap();
        let writer = needed(&[Component::Writer], &settings);
        assert_eq!(writer, ConnectionCount { postgres: 202, redis: 218 });
        assert_eq!(compare(100, "postgres", 202, 202, "max_connections"), Ok(()));
        let refused = compare(100, "postgres", 202, 97, "max_connections").unwrap_err().to_string();
        for part in ["202 connections", "100 partitions", "allows 97", "max_connections by at least 105"] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
