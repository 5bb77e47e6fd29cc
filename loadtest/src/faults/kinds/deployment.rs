//! Fault: every process is replaced, one after the other, and by the other version if there is one. No request may
//! fail.

use super::FaultRecord;
use crate::Failure;
use crate::faults::fleet::Fleet;
use rustix::process::Signal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub(super) async fn roll(fleet: &Fleet) -> Result<FaultRecord, Failure> {
    // Failures of earlier attempts are recorded before the deployment starts.
    fleet.load_balancer.wait_for_attempts_before(Instant::now()).await;
    let began = Instant::now();
    for slot in &fleet.slots {
        let mut process = slot.process.lock().await;
        slot.signal(&process, Signal::TERM)?;
        let status = slot.wait_for_exit(&mut process).await?;
        if !status.is_some_and(|status| status.success()) {
            fleet.report_problem(format!("{} did not drain: {status:?}\n{}", slot.name, slot.log_tail()));
        }
        slot.deployments.fetch_add(1, Ordering::Relaxed);
        slot.start(&mut process).await?;
        slot.wait_until_ready().await?;
        // The next ingress is stopped only after the load balancer uses this one again.
        let host = slot.listen.to_string();
        while slot.component == "ingress" && !fleet.load_balancer.is_ready(&host) {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    let took = began.elapsed();
    // Requests that were in flight when a process was stopped must not fail either.
    fleet.load_balancer.wait_for_attempts_before(Instant::now()).await;
    let failed = fleet.load_balancer.failed_since(began);
    if !failed.is_empty() {
        fleet.report_problem(format!("requests failed during a deployment: {failed:?}"));
    }
    Ok(FaultRecord::of_many(format!("{} processes replaced in {took:?}", fleet.slots.len())))
}
