//! What listeners get, as it goes over the line: server-sent events. Each is written down once for all of them.

use crate::projector::{AuctionProjection, auction_view, bid_item, bids_of, json, list_item};
use auction_domain::AuctionId;
use auction_domain::auction::AuctionEvent;
use auction_wire::EventRecord;
use auction_wire::view::LiveEvent;
use bytes::Bytes;

/// A server-sent event, whole.
pub type SseFrame = Bytes;

/// One thing that happened, as JSON.
pub(super) fn event(
    auction: AuctionId,
    board: &AuctionProjection,
    record: &EventRecord,
    event: &AuctionEvent,
) -> Vec<u8> {
    let bids = bids_of(event).iter().filter_map(|bid| board.auction.bid(*bid));
    let winner = match event {
        AuctionEvent::WinnerAnnounced(_) => auction_view(auction, board).winner,
        _ => None,
    };
    json(&LiveEvent {
        version: record.version,
        kind: record.kind.clone(),
        at: record.at.into(),
        bids: bids.map(|bid| bid_item(auction, board, bid)).collect(),
        winner,
    })
}

/// Several of them, and how the auction stands behind the last: `LiveEvents`, put together of what is written already.
pub(super) fn events<'a>(
    auction: AuctionId,
    board: &AuctionProjection,
    events: impl Iterator<Item = &'a Vec<u8>>,
) -> SseFrame {
    let version = board.auction.version();
    let mut data = format!("{{\"version\":{version},\"events\":[").into_bytes();
    for (n, event) in events.enumerate() {
        if n > 0 {
            data.push(b',');
        }
        data.extend_from_slice(event);
    }
    data.extend_from_slice(b"],\"auction\":");
    data.extend_from_slice(&json(&list_item(auction, board)));
    data.push(b'}');
    write("events", version, &data)
}

/// How the auction stands: for who begins to listen.
pub(super) fn state(auction: AuctionId, board: &AuctionProjection) -> SseFrame {
    write("auction", board.auction.version(), &json(&auction_view(auction, board)))
}

/// The same, for who has missed more than is remembered.
pub(super) fn reset(auction: AuctionId, board: &AuctionProjection) -> SseFrame {
    write("reset", board.auction.version(), &json(&auction_view(auction, board)))
}

/// A comment, which clients pass over.
pub fn heartbeat() -> SseFrame {
    Bytes::from_static(b":\n\n")
}

/// JSON has no line breaks of its own.
fn write(name: &str, id: u64, data: &[u8]) -> SseFrame {
    let mut text = format!("event: {name}\nid: {id}\ndata: ").into_bytes();
    text.extend_from_slice(data);
    text.extend_from_slice(b"\n\n");
    text.into()
}
