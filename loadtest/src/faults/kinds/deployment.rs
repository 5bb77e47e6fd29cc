//! Every process is replaced, one after the other, and nobody notices: no request fails.

use super::FaultRecord;
use crate::Failure;
use crate::faults::fleet::Fleet;
use rustix::process::Signal;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn roll(fleet: &Fleet) -> Result<FaultRecord, Failure> {
    // What went wrong before is noted by then, and counts there.
    fleet.balance.nothing_in_hand_from_before(Instant::now()).await;
    let began = Instant::now();
    for slot in &fleet.slots {
        let mut process = slot.process.lock().await;
        slot.signal(&process, Signal::TERM)?;
        let status = slot.ended(&mut process).await?;
        if !status.is_some_and(|status| status.success()) {
            fleet.has_ended(format!("{} did not drain: {status:?}\n{}", slot.name, slot.log_tail()));
        }
        slot.start(&mut process)?;
        slot.ready().await?;
        // The next one goes when this one is in the load balancer again.
        let host = slot.listen.to_string();
        while slot.role == "ingress" && !fleet.balance.knows(&host) {
            tokio::time::sleep(LOOK).await;
        }
    }
    let took = began.elapsed();
    // What is in hand when a process is told to end may fail no more than what comes later.
    fleet.balance.nothing_in_hand_from_before(Instant::now()).await;
    let failed = fleet.balance.failed_since(began);
    if !failed.is_empty() {
        fleet.has_ended(format!("requests failed during a deployment: {failed:?}"));
    }
    Ok(FaultRecord::to_all(format!("{} processes in {took:?}", fleet.slots.len())))
}
