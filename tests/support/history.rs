//! Bidding histories and what they come to.

use super::{root, text};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;

/// A history with its expected summary.
pub struct History {
    pub file: PathBuf,
    pub expected: Value,
}

/// The one that ships with the project.
pub fn shipped() -> History {
    let data = root().join("tests/data");
    let expected = std::fs::read_to_string(data.join("history.expected.json")).unwrap();
    let mut expected: Value = serde_json::from_str(&expected).unwrap();
    expected.as_object_mut().unwrap().remove("winners");
    History { file: data.join("history.csv"), expected }
}

/// The real one, which is not ours to ship: where `AUCTION_HISTORY` points, or beside the repository.
pub fn real() -> Option<History> {
    let beside = || root().join("../shared/data/ebay-bids.csv");
    let file = std::env::var_os("AUCTION_HISTORY").map_or_else(beside, PathBuf::from);
    if !file.exists() {
        println!("{} is not there: not tested on the real bidding history", file.display());
        return None;
    }
    let expected = json!({
        "auctions": 364,
        "bids": 6109,
        "accepted": 6070,
        "refused": {"not_above_your_latest": 37, "below_opening_bid": 2},
        "accepted_below_highest": 2687,
        "accepted_not_leading": 3096,
        "winners_equal_to_closing_price": 363,
        "unfinished": 0,
        "malformed_rows": 0,
    });
    Some(History { file, expected })
}

impl History {
    /// A replay has come to exactly this.
    pub fn check(&self, output: &Output) {
        assert!(output.status.success(), "{}", text(output));
        let mut summary = super::last_line(output);
        for of_this_run in ["run", "seconds"] {
            summary.as_object_mut().unwrap().remove(of_this_run);
        }
        assert_eq!(summary, self.expected);
    }
}
