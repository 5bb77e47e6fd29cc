//! CPU and memory used by this process and its descendants, by kind of process.

use crate::Failure;
use std::collections::BTreeMap;
use std::fs;
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
    cpu: BTreeMap<String, f64>,
}

impl ResourceUsage {
    /// Returns the CPU seconds of a kind of process.
    pub(crate) fn cpu(&self, kind: &str) -> f64 {
        self.cpu.get(kind).copied().unwrap_or_default()
    }

    /// Returns the CPU seconds of all components together, without the servers and the load.
    pub(crate) fn workers(&self) -> f64 {
        let others = ["redis", "postgres", LOAD];
        self.cpu.iter().filter(|(kind, _)| !others.contains(&kind.as_str())).map(|(_, cpu)| cpu).sum()
    }

    /// Returns the share of the machine used by each kind, in percent. Shares below 0.5 % are omitted.
    pub(crate) fn shares(&self) -> String {
        let all = self.took.as_secs_f64() * cores() as f64;
        let mut shares: Vec<(&str, f64)> =
            self.cpu.iter().map(|(kind, cpu)| (kind.as_str(), 100.0 * cpu / all)).collect();
        shares.retain(|(_, share)| *share >= 0.5);
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        let shares: Vec<String> =
            shares.into_iter().map(|(kind, share)| format!("{kind} {share:.0}")).collect();
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
    for process in process_tree()? {
        let path = format!("/proc/{}/smaps_rollup", process.id);
        // It may have ended meanwhile.
        let Ok(rollup) = fs::read_to_string(path) else { continue };
        let resident = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kb: u64 =
            resident.and_then(|resident| resident.split_whitespace().next()).ok_or("no Pss")?.parse()?;
        *all.entry(process.kind).or_default() += 1024 * kb;
    }
    Ok(all)
}

/// Returns the CPU seconds used so far, by kind of process.
fn cpu() -> Result<BTreeMap<String, f64>, Failure> {
    let mut all = BTreeMap::new();
    for process in process_tree()? {
        *all.entry(process.kind).or_default() += process.cpu;
    }
    Ok(all)
}

/// A process that is measured.
struct ProcessInfo {
    id: u32,
    kind: String,
    cpu: f64,
}

/// Returns this process and all its descendants that are measured.
fn process_tree() -> Result<Vec<ProcessInfo>, Failure> {
    let mut stats = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        stats.extend(Stat::read(&stat).map(|stat| (id, stat)));
    }
    let own = std::process::id();
    let ours = |mut id: u32| {
        while let Some(stat) = stats.get(&id) {
            if id == own {
                return true;
            }
            id = stat.parent;
        }
        false
    };
    let mut process_tree = Vec::new();
    for (id, stat) in &stats {
        if ours(*id)
            && let Some(kind) = kind(*id, &stat.name)
        {
            // The exited children of this process are not counted. For other processes they are, because
            // Postgres backends come and go.
            let cpu = stat.own + if *id == own { 0.0 } else { stat.children };
            process_tree.push(ProcessInfo { id: *id, kind, cpu });
        }
    }
    Ok(process_tree)
}

/// Returns the kind of a process; none if it is not measured.
fn kind(id: u32, name: &str) -> Option<String> {
    match name {
        "redis-server" | "valkey-server" => return Some("redis".to_owned()),
        "postgres" => return Some("postgres".to_owned()),
        _ if id == std::process::id() => return Some(LOAD.to_owned()),
        _ => {}
    }
    let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let mut words = line.split(|byte| *byte == 0).skip(1);
    match words.next()? {
        // `portal run COMPONENT`, and `auction-loadtest bench probe` or `bare`.
        b"run" | b"bench" => Some(String::from_utf8_lossy(words.next()?).into_owned()),
        _ => None,
    }
}

/// The fields of `/proc/PID/stat` that are used.
struct Stat {
    name: String,
    parent: u32,
    own: f64,
    /// CPU seconds of exited children that were waited for.
    children: f64,
}

impl Stat {
    fn read(stat: &str) -> Option<Stat> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let (before, after) = stat.rsplit_once(") ")?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split(' ').collect();
        // By proc(5), counted from the state: parent 1, utime and stime 11 and 12, those of children 13 and
        // 14.
        let seconds = |field: usize| Some(fields.get(field)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
        Some(Stat {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            own: seconds(11)? + seconds(12)?,
            children: seconds(13)? + seconds(14)?,
        })
    }
}

/// Returns the CPU seconds of one process so far.
pub(crate) fn cpu_of(id: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    Ok(Stat::read(&stat).ok_or("no CPU time")?.own)
}
