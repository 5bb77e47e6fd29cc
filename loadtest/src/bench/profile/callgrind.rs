//! Instruction counts by `callgrind`, for machines on which `perf` is not permitted.

use super::{BID_PATTERN, Load, ProfileArgs};
use crate::Failure;
use crate::bench::bench_portal::BenchPortal;
use std::time::Duration;

/// Few connections, because the component under `callgrind` is slow.
const CONNECTIONS: usize = 4;

/// Records one component after the other.
pub(super) async fn record(arguments: &ProfileArgs) -> Result<(), Failure> {
    for component in arguments.components() {
        let mut bench = BenchPortal::start(BID_PATTERN.users, BID_PATTERN.auctions).await?;
        let counts = arguments.directory.join(format!("{component}.callgrind"));
        let out = format!("--callgrind-out-file={}", counts.display());
        let line = ["valgrind", "-q", "--tool=callgrind", &out].map(str::to_owned).to_vec();
        bench.portal.wrapper = Some((component, line));
        let load = Load::start(&mut bench, CONNECTIONS).await?;
        tokio::time::sleep(Duration::from_secs(arguments.seconds)).await; // duration of the recording
        load.stop().await?;
        bench.portal.stop().await?;
        println!("{0}: open with `callgrind_annotate {0}` or kcachegrind", counts.display());
    }
    Ok(())
}
