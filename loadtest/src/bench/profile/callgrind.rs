//! Instructions counted by `callgrind`, for machines on which `perf` is not permitted.

use super::{Busy, CROWD, ProfileArgs, wait};
use crate::Failure;
use crate::bench::environment::BenchEnvironment;

/// What is run so slowly can do no more.
const CONNECTIONS: usize = 4;

/// One role after the other.
pub(super) async fn record(arguments: &ProfileArgs) -> Result<(), Failure> {
    for role in arguments.roles() {
        let mut bench = BenchEnvironment::with_auctions(CROWD.users, CROWD.auctions).await?;
        let counts = arguments.directory.join(format!("{role}.callgrind"));
        let out = format!("--callgrind-out-file={}", counts.display());
        let line = ["valgrind", "-q", "--tool=callgrind", &out].map(str::to_owned).to_vec();
        bench.run_under(&role, line);
        let busy = Busy::start(bench, CONNECTIONS).await?;
        wait(arguments.seconds).await;
        busy.stop().await?;
        println!("{0}: look at it with `callgrind_annotate {0}`, or with kcachegrind", counts.display());
    }
    Ok(())
}
