//! Commands on auctions, except bidding.

pub(crate) mod auction_csv;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod draft;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod void_bid;

use auction_wire::time::{self, JsonTime};

/// Formats a time to the second, such as `2026-11-22 18:30:00Z`.
pub(crate) fn show_time(time: JsonTime) -> String {
    let text = time::format(time.0);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}
