//! Samples of the resources used by processes and servers, and a check that they stay bounded.

use crate::Failure;
use crate::faults::fleet::{Fleet, PARTITIONS};
use crate::run::environment;
use auction_wire::Channel;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_postgres::NoTls;

const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// Time limit for a sample; an unavailable server has no sample.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A resource is unbounded if its median in the last third of a run is larger than in the middle third by
/// this factor and by more than [`GROWTH_SLACK`].
const GROWTH_FACTOR: f64 = 1.5;
const GROWTH_SLACK: f64 = 20.0;

/// Minimum duration of the check in seconds. Shorter runs have not reached a steady state: streams grow until
/// their retention of five minutes is over.
const MIN_RUN_SECONDS: f64 = 20.0 * 60.0;

/// Open files of ingresses are client connections, which move between ingresses. Only their sum is bounded.
const INGRESS_FILES: &str = "files of ingress-";

/// Values by name, with seconds since the start.
pub(crate) type Series = BTreeMap<String, Vec<(f64, f64)>>;

/// Samples taken so far.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    series: Mutex<Series>,
    /// First and last time at which each process was sampled.
    seen: Mutex<BTreeMap<u32, (f64, f64)>>,
}

impl Samples {
    /// Takes samples until dropped.
    pub(crate) async fn take(&self, fleet: &Fleet, began: Instant) {
        loop {
            tokio::time::sleep(SAMPLE_INTERVAL).await;
            let at = began.elapsed().as_secs_f64();
            let mut all = processes(fleet);
            // An unavailable server is skipped.
            if let Ok(Ok(values)) = timeout(TIMEOUT, redis(fleet)).await {
                all.extend(values);
            }
            if let Ok(Ok(values)) = timeout(TIMEOUT, postgres(fleet)).await {
                all.extend(values);
            }
            self.see(fleet, at);
            let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, value) in all {
                series.entry(name).or_default().push((at, value));
            }
        }
    }

    fn see(&self, fleet: &Fleet, at: f64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in &fleet.slots {
            seen.entry(slot.pid.load(Ordering::Relaxed)).or_insert((at, at)).1 = at;
        }
    }

    /// Returns the longest lifetime of a process in seconds.
    pub(crate) fn longest_process_lifetime(&self) -> f64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().map(|(first, last)| last - first).fold(0.0, f64::max)
    }

    pub(crate) fn into_series(self) -> Series {
        self.series.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

type Values = Vec<(String, f64)>;

fn processes(fleet: &Fleet) -> Values {
    let mut values = Vec::new();
    for slot in &fleet.slots {
        let pid = slot.pid.load(Ordering::Relaxed);
        if let Some((_, memory)) = environment::process_usage(pid) {
            values.push((format!("memory of {} (MB)", slot.name), memory));
        }
        if let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) {
            values.push((format!("files of {}", slot.name), files.count() as f64));
        }
    }
    values
}

async fn redis(fleet: &Fleet) -> Result<Values, Failure> {
    let client = redis::Client::open(fleet.redis_url.as_str())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("INFO").query_async(&mut connection).await?;
    let number = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.trim().parse::<f64>().ok()).unwrap_or_default()
    };
    let mut values = vec![
        ("memory of Redis (MB)".to_owned(), number("used_memory") / 1e6),
        ("connections to Redis".to_owned(), number("connected_clients")),
    ];
    let (mut commands, mut events) = (0_u64, 0_u64);
    for partition in 0..PARTITIONS {
        for channel in Channel::ALL {
            let stream = format!("ap:{{{partition:02}}}:cmd:{}", channel.name());
            commands += redis::cmd("XLEN").arg(stream).query_async::<u64>(&mut connection).await?;
        }
        let stream = format!("ap:{{{partition:02}}}:evt");
        events += redis::cmd("XLEN").arg(stream).query_async::<u64>(&mut connection).await?;
    }
    values.push(("commands on streams".to_owned(), commands as f64));
    values.push(("events on streams".to_owned(), events as f64));
    Ok(values)
}

async fn postgres(fleet: &Fleet) -> Result<Values, Failure> {
    let (client, connection) = tokio_postgres::connect(&fleet.database_url, NoTls).await?;
    tokio::spawn(connection);
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let sessions: i64 = client.query_one(sessions, &[]).await?.get(0);
    let mut values = vec![("connections to Postgres".to_owned(), sessions as f64)];
    let sizes = "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class \
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_table_size(oid) > 65536";
    for row in client.query(sizes, &[]).await? {
        let name: &str = row.get(0);
        values.push((format!("table {name} (MB)"), row.get::<_, i64>(1) as f64 / 1e6));
        values.push((format!("indexes of {name} (MB)"), row.get::<_, i64>(2) as f64 / 1e6));
    }
    Ok(values)
}

/// Returns the resources that grew without bound. Tables and the Redis data that grow with the history are
/// excluded.
pub(crate) fn unbounded(series: &Series, seconds: f64) -> Vec<String> {
    if seconds < MIN_RUN_SECONDS {
        return Vec::new();
    }
    let median = |values: &[(f64, f64)], from: f64, to: f64| {
        let within = values.iter().filter(|(at, _)| (from * seconds..to * seconds).contains(at));
        let mut within: Vec<f64> = within.map(|(_, value)| *value).collect();
        within.sort_unstable_by(f64::total_cmp);
        within.get(within.len() / 2).copied().unwrap_or_default()
    };
    let may_grow = |name: &str| {
        ["table ", "indexes ", "memory of Redis", INGRESS_FILES]
            .iter()
            .any(|may_grow| name.starts_with(may_grow))
    };
    let clients = (format!("{INGRESS_FILES}*"), sum_of(series, INGRESS_FILES));
    let bounded = series.iter().filter(|(name, _)| !may_grow(name)).chain([(&clients.0, &clients.1)]);
    let unbounded_names = bounded.filter_map(|(name, values)| {
        let (middle, last) = (median(values, 1.0 / 3.0, 2.0 / 3.0), median(values, 2.0 / 3.0, 1.0));
        let grows = last > GROWTH_FACTOR * middle && last > middle + GROWTH_SLACK;
        grows.then(|| format!("{name} grows: from {middle:.0} to {last:.0}"))
    });
    unbounded_names.collect()
}

/// Returns the sum of all series with this prefix, at times when all of them have a value.
fn sum_of(series: &Series, prefix: &str) -> Vec<(f64, f64)> {
    let parts: Vec<_> = series.iter().filter(|(name, _)| name.starts_with(prefix)).collect();
    let mut sums = BTreeMap::<u64, (usize, f64)>::new();
    for (at, value) in parts.iter().flat_map(|(_, values)| values.iter()) {
        // The bits of non-negative floats have the order of the floats.
        let sum = sums.entry(at.to_bits()).or_default();
        *sum = (sum.0 + 1, sum.1 + value);
    }
    let whole = sums.into_iter().filter(|(_, (count, _))| *count == parts.len());
    whole.map(|(at, (_, sum))| (f64::from_bits(at), sum)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, value: impl Fn(f64) -> f64) -> Series {
        let values = (0..360).map(|n| (10.0 * f64::from(n), value(10.0 * f64::from(n)))).collect();
        [(name.to_owned(), values)].into()
    }

    #[test]
    fn growth_check_reports_growing_resources_only() {
        let unbounded_names = |name, value: fn(f64) -> f64| unbounded(&series(name, value), 3600.0).len();
        assert_eq!(unbounded_names("memory of writer-1 (MB)", |at| 50.0 + at / 10.0), 1);
        assert_eq!(unbounded_names("memory of writer-1 (MB)", |at| 50.0 + (at % 300.0)), 0);
        assert_eq!(unbounded_names("table events (MB)", |at| at), 0);
        assert_eq!(unbounded_names("files of ingress-1", |at| 50.0 + at / 10.0), 1);
        assert_eq!(unbounded(&series("files of writer-1", |at| at), 60.0).len(), 0, "the run is too short");
    }

    #[test]
    fn connections_moving_between_ingresses_are_not_growth() {
        let later = |first: f64, last: f64| move |at| if at < 2400.0 { first } else { last };
        let mut files = series("files of ingress-1", later(99.0, 157.0));
        files.extend(series("files of ingress-2", later(360.0, 300.0)));
        assert_eq!(unbounded(&files, 3600.0), Vec::<String>::new());
        files.extend(series("files of ingress-2", later(360.0, 700.0)));
        assert_eq!(unbounded(&files, 3600.0).len(), 1);
    }
}
