//! `auction create`, `auction list` and `auction show`.

pub(crate) mod catalogue;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod offer;
pub(crate) mod show;

use auction_wire::time::{self, JsonTime};

/// A time as people read it: to the second.
fn show_time(time: JsonTime) -> String {
    let text = time::format(time.0);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}
