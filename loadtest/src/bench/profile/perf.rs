//! Flame graphs from samples of `perf`.

use super::{BID_PATTERN, Load, ProfileArgs};
use crate::Failure;
use crate::bench::bench_portal::BenchPortal;
use inferno::collapse::Collapse;
use inferno::collapse::perf::{Folder, Options as Folding};
use inferno::flamegraph::{self, Options as Drawing};
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Samples per second; a prime, so that samples do not coincide with periodic work.
const FREQUENCY: &str = "499";

/// Asynchronous code has deep stacks, and the programs are built without frame pointers.
const CALL_GRAPH: &str = "dwarf,32768";

/// Returns the reason if samples cannot be taken.
pub(super) fn permitted() -> Result<(), String> {
    let mut trial = Command::new("perf");
    trial.args(["record", "-o", "/dev/null", "-F", FREQUENCY, "--", "true"]);
    match trial.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let reason = text.lines().map(str::trim).find(|line| line.len() > "Error:".len());
            Err(reason.unwrap_or("perf reports no reason").to_owned())
        }
        Err(error) => Err(format!("{error} (Debian package: linux-perf)")),
    }
}

/// Records all components at the same time, under the same load.
pub(super) async fn record(arguments: &ProfileArgs) -> Result<(), Failure> {
    let mut bench = BenchPortal::start(BID_PATTERN.users, BID_PATTERN.auctions).await?;
    let load = Load::start(&mut bench, arguments.connections).await?;
    let mut recording = Vec::new();
    for component in arguments.components() {
        let samples = arguments.directory.join(format!("{component}.perf"));
        let pids = bench.portal.pids();
        let (_, pid) =
            pids.iter().find(|(name, _)| *name == component).ok_or("the component is not running")?;
        let perf = sample(*pid, &samples, arguments.seconds)?;
        recording.push((component, samples, perf));
    }
    for (_, _, perf) in &mut recording {
        wait_for(perf).await?;
    }
    load.stop().await?;
    bench.portal.stop().await?;
    for (component, samples, _) in recording {
        let graph = arguments.directory.join(format!("{component}.svg"));
        draw(&component, &samples, &graph)?;
        std::fs::remove_file(&samples)?;
        println!("{}", graph.display());
    }
    Ok(())
}

fn sample(process: u32, samples: &Path, seconds: u64) -> Result<Child, Failure> {
    let mut record = Command::new("perf");
    record.args(["record", "-q", "-F", FREQUENCY, "--call-graph", CALL_GRAPH, "-p", &process.to_string()]);
    record.arg("-o").arg(samples).args(["--", "sleep", &seconds.to_string()]);
    Ok(record.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// `perf record` exits when its `sleep` ends.
async fn wait_for(perf: &mut Child) -> Result<(), Failure> {
    loop {
        match perf.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("perf record exited with {status}").into()),
            None => tokio::time::sleep(super::POLL_INTERVAL).await,
        }
    }
}

fn draw(component: &str, samples: &Path, graph: &Path) -> Result<(), Failure> {
    let mut script = Command::new("perf");
    // Resolving inlined functions takes minutes.
    script.args(["script", "--no-inline", "-i"]).arg(samples).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut script = script.spawn()?;
    let text = BufReader::new(script.stdout.take().ok_or("perf script has no output")?);
    let mut folded = Vec::new();
    Folder::from(Folding::default()).collapse(text, &mut folded)?;
    let ended = script.wait()?;
    if !ended.success() {
        return Err(format!("perf script exited with {ended}").into());
    }
    let mut drawing = Drawing::default();
    drawing.title = format!("CPU time of the {component}");
    drawing.count_name = "samples".to_owned();
    Ok(flamegraph::from_reader(&mut drawing, folded.as_slice(), BufWriter::new(File::create(graph)?))?)
}
