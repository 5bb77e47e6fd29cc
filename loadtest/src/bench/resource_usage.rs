//! CPU and memory used by this process and its descendants, by kind of process.

use crate::Failure;
use procfs::process::{Process, Stat, all_processes};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Kind of this process, which creates the load.
pub(crate) const LOAD: &str = "load";

/// Returns the number of processors.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// CPU used during a period.
#[derive(Clone)]
pub(crate) struct ResourceUsage {
    pub(crate) took: Duration,
    /// CPU seconds by kind of process.
    cpu: BTreeMap<String, f64>,
}

impl ResourceUsage {
    /// Returns the share of the machine used by each kind, in percent. Shares below 0.5 % are omitted.
    pub(crate) fn shares(&self) -> String {
        let all = self.took.as_secs_f64() * cores() as f64;
        let mut shares: Vec<(f64, &String)> =
            self.cpu.iter().map(|(kind, cpu)| (100.0 * cpu / all, kind)).collect();
        shares.retain(|(share, _)| *share >= 0.5);
        shares.sort_by(|one, other| other.0.total_cmp(&one.0));
        let shares: Vec<String> =
            shares.into_iter().map(|(share, kind)| format!("{kind} {share:.0}")).collect();
        shares.join(", ")
    }
}

/// Measures the CPU used between start and stop.
pub(crate) struct Meter {
    began: Instant,
    cpu: BTreeMap<String, f64>,
}

impl Meter {
    pub(crate) fn start() -> Result<Meter, Failure> {
        Ok(Meter { began: Instant::now(), cpu: cpu()? })
    }

    pub(crate) fn stop(&self) -> Result<ResourceUsage, Failure> {
        let took = self.began.elapsed();
        let mut cpu = cpu()?;
        for (kind, seconds) in &mut cpu {
            *seconds -= self.cpu.get(kind).copied().unwrap_or_default();
        }
        Ok(ResourceUsage { took, cpu })
    }
}

/// Returns the memory by kind of process in bytes. Shared pages are divided among the processes that map them
/// (PSS), so that the shared buffers of Postgres count once.
pub(crate) fn memory() -> Result<BTreeMap<String, u64>, Failure> {
    let mut all = BTreeMap::new();
    for (kind, stat) in process_tree()? {
        // A process may have ended meanwhile.
        let Ok(rollup) = Process::new(stat.pid).and_then(|process| process.smaps_rollup()) else { continue };
        let pss = rollup.memory_map_rollup.iter().filter_map(|map| map.extension.map.get("Pss"));
        *all.entry(kind).or_default() += pss.sum::<u64>();
    }
    Ok(all)
}

/// Returns the CPU seconds used so far, by kind of process.
fn cpu() -> Result<BTreeMap<String, f64>, Failure> {
    let mut all = BTreeMap::new();
    for (kind, stat) in process_tree()? {
        // The exited children of this process are not counted. For other processes they are, because
        // Postgres backends come and go.
        let children = if kind == LOAD { 0 } else { stat.cutime + stat.cstime };
        let ticks = stat.utime + stat.stime + children.cast_unsigned();
        *all.entry(kind).or_default() += ticks as f64 / procfs::ticks_per_second() as f64;
    }
    Ok(all)
}

/// Returns this process and all its descendants that are measured, with their kind.
fn process_tree() -> Result<Vec<(String, Stat)>, Failure> {
    // Processes that ended meanwhile are skipped.
    let stats = all_processes()?.filter_map(|process| process.ok()?.stat().ok());
    let stats: BTreeMap<i32, Stat> = stats.map(|stat| (stat.pid, stat)).collect();
    let own = std::process::id().cast_signed();
    let is_ours = |stat: &&Stat| {
        let mut lineage = std::iter::successors(Some(*stat), |stat| stats.get(&stat.ppid));
        lineage.any(|stat| stat.pid == own)
    };
    let ours = stats.values().filter(is_ours);
    Ok(ours.filter_map(|stat| Some((kind(stat, own)?, stat.clone()))).collect())
}

/// Returns the kind of a process; none if it is not measured.
fn kind(stat: &Stat, own: i32) -> Option<String> {
    match stat.comm.as_str() {
        "redis-server" | "valkey-server" => return Some("redis".to_owned()),
        "postgres" => return Some("postgres".to_owned()),
        _ if stat.pid == own => return Some(LOAD.to_owned()),
        _ => {}
    }
    let mut words = Process::new(stat.pid).ok()?.cmdline().ok()?.into_iter().skip(1);
    // `portal run COMPONENT`, and `auction-loadtest bench probe` or `bare`.
    matches!(words.next()?.as_str(), "run" | "bench").then(|| words.next()).flatten()
}
