//! Faults of the reader of a process's logs, while the process loses its connections and so logs errors.

use super::{FaultRecord, random_duration, random_slot};
use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::proxy::LinkState;
use crate::faults::slot::Slot;
use crate::run::target::client::{Address, Client};
use auction_testkit::random::Random;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Time limit until the process has written a line that nothing reads.
const TIMEOUT: Duration = Duration::from_secs(20);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Metric of the lines that could not be written.
const DROPPED: &str = "auction_log_lines_dropped_total ";

/// The reader hangs, and its pipe is full. The process must become ready again meanwhile.
pub(super) async fn stalled(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, duration) = (random_slot(fleet, random), random_duration(random, 500, 2_000));
    let _process = slot.process.lock().await;
    let mut reader = slot.log_reader.lock().await;
    let reader = reader.as_mut().ok_or("the process has never been started")?;
    reader.stall().await?;
    let began = Instant::now();
    let is_blocked = cut_connections_until(fleet, slot, || async { is_writer_blocked(slot) }).await;
    tokio::time::sleep(duration).await;
    let ready = slot.wait_until_ready().await;
    let stayed = is_writer_blocked(slot);
    reader.resume()?;
    if !is_blocked || !stayed {
        fleet.report_problem(format!("the stalled log reader of {} blocked no line", slot.name));
    }
    ready.map_err(|error| format!("{error}, while nothing read its logs"))?;
    Ok(FaultRecord::of_process(slot, format!("{}: log not read for {:?}", slot.name, began.elapsed())))
}

/// The reader ends. The process must become ready again and drain; then it is started again.
pub(super) async fn closed(fleet: &Fleet, random: &mut Random) -> Result<FaultRecord, Failure> {
    let (slot, duration) = (random_slot(fleet, random), random_duration(random, 500, 2_000));
    let mut process = slot.process.lock().await;
    if let Some(reader) = slot.log_reader.lock().await.take() {
        reader.close().await;
    }
    let has_dropped = cut_connections_until(fleet, slot, || has_dropped_lines(slot)).await;
    if !has_dropped {
        fleet.report_problem(format!("{} wrote no line after its log was closed", slot.name));
    }
    tokio::time::sleep(duration).await;
    slot.wait_until_ready().await.map_err(|error| format!("{error}, after its log was closed"))?;
    slot.signal(&process, Signal::TERM)?;
    let status = slot.wait_for_exit(&mut process).await?;
    if !status.is_some_and(|status| status.success()) {
        fleet.report_problem(format!("{} did not drain after its log was closed: {status:?}", slot.name));
    }
    slot.start(&mut process).await?;
    Ok(FaultRecord::of_process(slot, format!("{}: log closed", slot.name)))
}

/// Breaks the connections of the process until the condition holds. Returns whether it did in time.
async fn cut_connections_until(fleet: &Fleet, slot: &Slot, condition: impl AsyncFn() -> bool) -> bool {
    let _network = fleet.network.lock().await;
    let links = [&slot.redis, &slot.postgres];
    links.iter().for_each(|link| link.set(LinkState::Cuts));
    let holds = tokio::time::timeout(TIMEOUT, async {
        while !condition().await {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    });
    let holds = holds.await.is_ok();
    links.iter().for_each(|link| link.set(LinkState::Clear));
    holds
}

/// Whether the thread that writes standard error waits for room in the pipe.
fn is_writer_blocked(slot: &Slot) -> bool {
    let pid = slot.pid.load(std::sync::atomic::Ordering::Relaxed);
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.into_iter().any(|thread| {
        let read = |file| std::fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        read("comm").trim() == "stderr" && read("wchan").contains("pipe_write")
    })
}

async fn has_dropped_lines(slot: &Slot) -> bool {
    let response = tokio::time::timeout(TIMEOUT, async {
        let mut client = Client::connect(&Address { host: slot.admin.to_string() }).await.ok()?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", slot.admin);
        let response = client.send(request.as_bytes()).await.ok()?;
        let text = String::from_utf8_lossy(response.body);
        text.lines().find_map(|line| line.strip_prefix(DROPPED)?.parse::<f64>().ok())
    });
    matches!(response.await, Ok(Some(dropped)) if dropped > 0.0)
}
