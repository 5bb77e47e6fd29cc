//! Frames for subscribers, in the format of server-sent events. Each is serialized once for all subscribers.

use crate::projector::views::{self, json};
use crate::projector::{AuctionProjection, changed_bids};
use auction_domain::AuctionId;
use auction_domain::auction::AuctionEvent;
use auction_wire::EventRecord;
use auction_wire::view::LiveEvent;
use bytes::Bytes;

/// One complete server-sent event.
pub type SseFrame = Bytes;

/// Serializes one event of the auction as JSON.
pub(super) fn event(
    auction: AuctionId,
    projection: &AuctionProjection,
    record: &EventRecord,
    event: &AuctionEvent,
) -> Vec<u8> {
    let bids = changed_bids(event).iter().filter_map(|bid| projection.auction.bid(*bid));
    let winner = match event {
        AuctionEvent::WinnerAnnounced(_) => views::auction::view(auction, projection).winner,
        _ => None,
    };
    json(&LiveEvent {
        version: record.version,
        kind: record.kind.clone(),
        at: record.at.into(),
        bids: bids.map(|bid| views::bids::item(auction, projection, bid)).collect(),
        winner,
    })
}

/// Builds the frame of several events and the state after the last one: a `LiveEvents` from serialized
/// events.
pub(super) fn events<'a>(
    auction: AuctionId,
    projection: &AuctionProjection,
    events: impl Iterator<Item = &'a Vec<u8>>,
) -> SseFrame {
    let version = projection.auction.version();
    let mut data = format!("{{\"version\":{version},\"events\":[").into_bytes();
    for (n, event) in events.enumerate() {
        if n > 0 {
            data.push(b',');
        }
        data.extend_from_slice(event);
    }
    data.extend_from_slice(b"],\"auction\":");
    data.extend_from_slice(&json(&views::auctions::item(auction, projection)));
    data.push(b'}');
    frame("events", version, &data)
}

/// Builds the frame with the current state, for a new subscriber.
pub(super) fn state(auction: AuctionId, projection: &AuctionProjection) -> SseFrame {
    frame("auction", projection.auction.version(), &json(&views::auction::view(auction, projection)))
}

/// Builds the frame with the current state, for a subscriber that missed more events than are kept in memory.
pub(super) fn reset(auction: AuctionId, projection: &AuctionProjection) -> SseFrame {
    frame("reset", projection.auction.version(), &json(&views::auction::view(auction, projection)))
}

/// Returns a comment frame, which clients ignore.
pub fn heartbeat() -> SseFrame {
    Bytes::from_static(b":\n\n")
}

/// Builds a frame. Serialized JSON contains no line breaks, so that it fits into one `data` line.
fn frame(name: &str, id: u64, data: &[u8]) -> SseFrame {
    let mut text = format!("event: {name}\nid: {id}\ndata: ").into_bytes();
    text.extend_from_slice(data);
    text.extend_from_slice(b"\n\n");
    text.into()
}
