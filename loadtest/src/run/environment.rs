//! Machine and command line of a run, to compare reports.

use procfs::process::Process;
use std::fs;

/// Returns the command line with tokens and passwords removed.
pub(crate) fn command_line() -> String {
    let mut words: Vec<String> = Vec::new();
    let mut is_secret = false;
    for word in std::env::args() {
        let hidden = std::mem::replace(&mut is_secret, matches!(word.as_str(), "--token" | "--api-key"));
        let (name, value) = word.split_once('=').unwrap_or((&word, ""));
        words.push(match name {
            _ if hidden => "…".to_owned(),
            "--token" | "--api-key" if !value.is_empty() => format!("{name}=…"),
            _ if words.is_empty() => word.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => without_password(&word),
        });
    }
    words.join(" ")
}

/// Removes the password from a URL.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    match rest.split_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => word.to_owned(),
    }
}

/// Describes the machine as pairs of name and value.
pub(crate) fn machine() -> Vec<(String, String)> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = after(&read("/proc/cpuinfo"), "model name").unwrap_or_default();
    let memory = after(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
    let time = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    [("when", time), ("processors", format!("{cores} × {processor}")), ("memory", memory), ("kernel", kernel)]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

/// Returns the CPU seconds used by a process so far and its resident memory in MB.
pub(crate) fn process_usage(pid: u32) -> Option<(f64, f64)> {
    let process = Process::new(pid.cast_signed()).ok()?;
    let stat = process.stat().ok()?;
    let seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
    let kilobytes = process.status().ok()?.vmrss?;
    Some((seconds, kilobytes as f64 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_stripped_from_recorded_urls() {
        assert_eq!(without_password("postgresql://ada:secret@host/db"), "postgresql://ada@host/db");
        assert_eq!(without_password("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(without_password("--local"), "--local");
    }
}
