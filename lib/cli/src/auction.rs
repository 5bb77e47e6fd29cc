//! What can be done with auctions, besides bidding.

pub(crate) mod auction_csv;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod draft;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod void_bid;

use auction_wire::time::{self, JsonTime};

/// A time as people read it: to the second.
pub(crate) fn show_time(time: JsonTime) -> String {
    let text = time::format(time.0);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}
