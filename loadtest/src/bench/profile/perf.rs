//! Flame graphs, from samples that `perf` takes.

use super::{Busy, CROWD, ProfileArgs};
use crate::Failure;
use crate::bench::environment::BenchEnvironment;
use inferno::collapse::Collapse;
use inferno::collapse::perf::{Folder, Options as Folding};
use inferno::flamegraph::{self, Options as Drawing};
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Samples per second: not in step with anything that happens every so many milliseconds.
const FREQUENCY: &str = "499";

/// The stacks of what is asynchronous are deep, and the programs are built without frame pointers.
const CALL_GRAPH: &str = "dwarf,32768";

/// Whether samples can be taken; if not, why.
pub(super) fn permitted() -> Result<(), String> {
    let mut trial = Command::new("perf");
    trial.args(["record", "-o", "/dev/null", "-F", FREQUENCY, "--", "true"]);
    match trial.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let why = text.lines().map(str::trim).find(|line| line.len() > "Error:".len());
            Err(why.unwrap_or("it says nothing").to_owned())
        }
        Err(error) => Err(format!("{error} (on Debian it is in linux-perf)")),
    }
}

/// All roles at the same time, under the same load.
pub(super) async fn record(arguments: &ProfileArgs) -> Result<(), Failure> {
    let bench = BenchEnvironment::with_auctions(CROWD.users, CROWD.auctions).await?;
    let busy = Busy::start(bench, arguments.connections).await?;
    let mut recording = Vec::new();
    for role in arguments.roles() {
        let samples = arguments.directory.join(format!("{role}.perf"));
        let perf = sample(busy.process(&role)?.id(), &samples, arguments.seconds)?;
        recording.push((role, samples, perf));
    }
    for (_, _, perf) in &mut recording {
        wait_for(perf).await?;
    }
    busy.stop().await?;
    for (role, samples, _) in recording {
        let graph = arguments.directory.join(format!("{role}.svg"));
        draw(&role, &samples, &graph)?;
        std::fs::remove_file(&samples)?;
        println!("{}", graph.display());
    }
    Ok(())
}

fn sample(process: u32, samples: &Path, seconds: u64) -> Result<Child, Failure> {
    let mut record = Command::new("perf");
    record.args([
        "record",
        "-q",
        "-F",
        FREQUENCY,
        "--call-graph",
        CALL_GRAPH,
        "-p",
        &process.to_string(),
        "-o",
    ]);
    record.arg(samples).args(["--", "sleep", &seconds.to_string()]);
    Ok(record.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// It ends by itself.
async fn wait_for(perf: &mut Child) -> Result<(), Failure> {
    loop {
        match perf.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("perf record ended with {status}").into()),
            None => tokio::time::sleep(super::LOOK).await,
        }
    }
}

fn draw(role: &str, samples: &Path, graph: &Path) -> Result<(), Failure> {
    let mut script = Command::new("perf");
    // With what was inlined it takes minutes.
    script.args(["script", "--no-inline", "-i"]).arg(samples).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut script = script.spawn()?;
    let text = BufReader::new(script.stdout.take().ok_or("perf script has no output")?);
    let mut folded = Vec::new();
    Folder::from(Folding::default()).collapse(text, &mut folded)?;
    let ended = script.wait()?;
    if !ended.success() {
        return Err(format!("perf script ended with {ended}").into());
    }
    let mut drawing = Drawing::default();
    drawing.title = format!("{role}: where its CPU time goes");
    drawing.count_name = "samples".to_owned();
    Ok(flamegraph::from_reader(&mut drawing, folded.as_slice(), BufWriter::new(File::create(graph)?))?)
}
