//! Instruction counts by `callgrind`, for machines on which `perf` is not permitted.

use super::{BID_PATTERN, BusyPortal, ProfileArgs, wait};
use crate::Failure;
use crate::bench::environment::BenchEnvironment;

/// Few connections, because the component under `callgrind` is slow.
const CONNECTIONS: usize = 4;

/// Records one component after the other.
pub(super) async fn record(arguments: &ProfileArgs) -> Result<(), Failure> {
    for component in arguments.components() {
        let mut bench = BenchEnvironment::with_auctions(BID_PATTERN.users, BID_PATTERN.auctions).await?;
        let counts = arguments.directory.join(format!("{component}.callgrind"));
        let out = format!("--callgrind-out-file={}", counts.display());
        let line = ["valgrind", "-q", "--tool=callgrind", &out].map(str::to_owned).to_vec();
        bench.run_under(&component, line);
        let busy_portal = BusyPortal::start(bench, CONNECTIONS).await?;
        wait(arguments.seconds).await;
        busy_portal.stop().await?;
        println!("{0}: open with `callgrind_annotate {0}` or kcachegrind", counts.display());
    }
    Ok(())
}
