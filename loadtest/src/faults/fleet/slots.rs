//! The processes of a fleet and their settings.

use super::COMPONENTS;
use crate::Failure;
use crate::faults::clock::ClockLibrary;
use crate::faults::proxy::Proxy;
use crate::faults::slot::Slot;
use crate::run::progress::note;
use auction_testkit::free_address::own_address;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize};

/// Number of processes of each component.
const PROCESSES_PER_COMPONENT: usize = 2;

/// Sockets below the data directory of the servers.
pub(super) const REDIS_SOCKET: &str = "redis/redis.sock";
pub(crate) const POSTGRES_SOCKET: &str = "postgres/.s.PGSQL.5432";

/// Short leases, so that pauses often outlast them. Short retention, so that data that grows without bound is
/// visible.
const SETTINGS: [(&str, &str); 19] = [
    ("AUCTION__PARTITIONS", "4"),
    ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true"),
    ("AUCTION__INGRESS__SHUTDOWN_GRACE_SECONDS", "2"),
    ("AUCTION__RATE_LIMITS__ENABLED", "false"),
    ("AUCTION__LOG__FILTER", "warn"),
    ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ("AUCTION__PROJECTOR__LEASE_SECONDS", "2"),
    ("AUCTION__AUCTIONEER__LEASE_SECONDS", "2"),
    ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
    ("AUCTION__PROMOTER__LEASE_SECONDS", "2"),
    // Inboxes keep all notifications, so that the checker can read them.
    ("AUCTION__NOTIFIER__INBOX_SIZE", "60000"),
    ("AUCTION__NOTIFIER__INTERVAL_MS", "300"),
    ("AUCTION__WRITER__AGGREGATE_CACHE_SIZE", "500"),
    ("AUCTION__PROJECTOR__AUCTION_CACHE_SIZE", "300"),
    ("AUCTION__NOTIFIER__AUCTION_CACHE_SIZE", "300"),
    ("AUCTION__WRITER__SNAPSHOT_EVENTS", "200"),
    ("AUCTION__RETENTION__COMMANDS_SECONDS", "120"),
    ("AUCTION__RETENTION__EVENTS_SECONDS", "300"),
    ("AUCTION__RETENTION__INTERVAL_MS", "2000"),
];

/// Settings file: a draw every five seconds, so that each auction has several.
const SETTINGS_FILE: &str = "[promoter]\noptions = [{ interval_ms = 5000 }]\n";

/// Creates two slots for each component; starts no process. The first has two addresses of Postgres, as in a URL with
/// several hosts; the second one address, which moves at a failover.
pub(super) async fn create(
    directory: &Path,
    data: &Path,
    standby: &Path,
    more_settings: &[(String, String)],
    programs: &[PathBuf],
) -> Result<Vec<Slot>, Failure> {
    let clocks = ClockLibrary::compile(directory)
        .inspect_err(|error| note(&format!("clock faults are disabled in this run: {error}")))
        .ok();
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let settings: Vec<_> = SETTINGS.map(owned).into_iter().chain(more_settings.iter().cloned()).collect();
    let config = directory.join("settings.toml");
    std::fs::write(&config, SETTINGS_FILE)?;
    let mut slots = Vec::new();
    for component in COMPONENTS {
        for number in 1..=PROCESSES_PER_COMPONENT {
            let name = format!("{component}-{number}");
            let clock = clocks.as_ref().map(|clocks| clocks.clock(directory.join(format!("{name}.clock"))));
            slots.push(Slot {
                component,
                listen: own_address()?,
                admin: own_address()?,
                redis: Proxy::to(&data.join(REDIS_SOCKET)).await?,
                postgres: Proxy::to(&data.join(POSTGRES_SOCKET)).await?,
                standby: match number {
                    1 => Some(Proxy::to(&standby.join(POSTGRES_SOCKET)).await?),
                    _ => None,
                },
                clock: clock.transpose()?,
                programs: programs.to_vec(),
                deployments: AtomicUsize::new(0),
                config: config.clone(),
                settings: settings.clone(),
                log: directory.join(format!("{name}.log")),
                name,
                process: tokio::sync::Mutex::new(None),
                log_reader: tokio::sync::Mutex::new(None),
                pid: AtomicU32::new(0),
            });
        }
    }
    Ok(slots)
}
