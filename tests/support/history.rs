//! Recorded bidding histories with the expected summaries of their replay.

use super::{output_text, root};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// A file with recorded bids and the expected summary of its replay.
pub struct BiddingHistory {
    pub file: PathBuf,
    pub expected: Value,
}

/// Returns the made-up history that is part of the repository.
pub fn bundled_history() -> BiddingHistory {
    BiddingHistory::new(root().join("tests/data/history.csv"), "history.expected.json")
}

/// Returns the real history, if this machine has it: at `AUCTION_HISTORY`, or beside the repository. It
/// belongs to others and is not distributed with the project.
pub fn real_history() -> Option<BiddingHistory> {
    let default_path = || root().join("../shared/data/ebay-bids.csv");
    let file = std::env::var_os("AUCTION_HISTORY").map_or_else(default_path, PathBuf::from);
    if !file.exists() {
        println!("{} does not exist: the real bidding history is not tested", file.display());
        return None;
    }
    Some(BiddingHistory::new(file, "real_history.expected.json"))
}

impl BiddingHistory {
    fn new(file: PathBuf, expected: &str) -> BiddingHistory {
        let expected = std::fs::read_to_string(root().join("tests/data").join(expected)).unwrap();
        let mut expected: Value = serde_json::from_str(&expected).unwrap();
        expected.as_object_mut().unwrap().remove("winners");
        BiddingHistory { file, expected }
    }

    /// Asserts that a replay succeeded and printed exactly the expected summary.
    pub fn assert_summary(&self, output: &Output) {
        assert!(output.status.success(), "{}", output_text(output));
        let mut summary = super::last_json_line(output);
        for differs_per_run in ["run", "seconds"] {
            summary.as_object_mut().unwrap().remove(differs_per_run);
        }
        assert_eq!(summary, self.expected);
    }
}
