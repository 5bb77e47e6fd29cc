//! Snapshots round-trip unchanged, damaged ones are refused, and those of one format stay readable.

use super::stored::directory;
use super::{BID, PROMOTION, USER, amount, auction_created, event_name, id, reason};
use crate::snapshot::FORMAT;
use crate::{Event, SnapshotRecord, event};
use auction_domain::auction::{Auction, AuctionEvent};
use auction_domain::{BidId, Timestamp, UserId};
use std::collections::BTreeMap;
use uuid::Uuid;

const AUCTION: Uuid = id(2);

fn user(n: u128) -> UserId {
    UserId(id(0x100 + n))
}

fn bid(n: u128) -> BidId {
    BidId(id(0x200 + n))
}

/// Returns a history with most kinds of events. The bid of the samples leads, and is not doubled.
fn history() -> Vec<AuctionEvent> {
    let place =
        |bid, bidder, minor_units| AuctionEvent::BidPlaced { bid, bidder, amount: amount(minor_units) };
    vec![
        auction_created(Some(PROMOTION)),
        place(bid(1), user(1), 11_000),
        place(BID, USER, 13_000),
        place(bid(3), user(1), 12_000),
        place(bid(4), user(3), 1 << 40),
        place(bid(5), user(4), 14_000),
        place(bid(6), user(4), 14_001),
        AuctionEvent::BidDeleted { bid: bid(3), bidder: user(1) },
        AuctionEvent::BidDoubled { bid: bid(6), bidder: user(4), effective: amount(28_002) },
        AuctionEvent::BidVoided { bid: bid(4), bidder: user(3), reason: reason(), by: None },
        AuctionEvent::DrawsMissed { first: 1, last: 2 },
        AuctionEvent::AuctionExtended { ends_at: Timestamp(1_795_372_205_000) },
        AuctionEvent::BidsRetracted { bidder: user(4), bids: vec![bid(5), bid(6)] },
        AuctionEvent::AuctionEnded { ends_at: Timestamp(1_795_372_204_000), by: None },
    ]
}

/// Applies events. Times decrease, as when the clock of Redis is set back.
fn after(events: &[AuctionEvent]) -> Auction {
    let mut auction = None;
    for (event, n) in events.iter().zip(0..) {
        Auction::apply(&mut auction, event, Timestamp(1_795_372_150_000 - 7 * n));
    }
    auction.unwrap()
}

/// Returns the auction after each part of the history, and after the history and each sample of an event.
fn states() -> Vec<(String, Auction)> {
    let history = history();
    let parts = (1..=history.len()).map(|n| (format!("after {n:02} events"), after(&history[..n])));
    let samples = event::samples().into_iter().filter_map(|sample| {
        let Event::Auction(event) = &sample.event else { return None };
        Some((event_name(&sample), after(&[&history[..], std::slice::from_ref(event)].concat())))
    });
    parts.chain(samples).collect()
}

fn snapshot(auction: &Auction) -> SnapshotRecord {
    SnapshotRecord::of(AUCTION, 77, &auction.state())
}

#[test]
fn snapshots_round_trip_after_every_event() {
    for (name, auction) in states() {
        let record = snapshot(&auction);
        assert_eq!((record.key, record.version, record.position), (AUCTION, auction.version(), 77), "{name}");
        assert_eq!(record.auction().unwrap().state(), auction.state(), "{name}");
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let good = snapshot(&after(&history()));
    for at in 0..good.body.len() {
        let mut damaged = good.clone();
        damaged.body[at] ^= 0x10;
        assert!(damaged.auction().is_err(), "byte {at}");
        damaged.body.truncate(at);
        assert!(damaged.auction().is_err(), "cut at {at}");
    }
    let other_key = SnapshotRecord { key: bid(1).0, ..good.clone() };
    let other_version = SnapshotRecord { version: good.version + 1, ..good.clone() };
    let other_format = SnapshotRecord { format: good.format + 1, ..good.clone() };
    assert!([other_key, other_version, other_format].iter().all(|record| record.auction().is_err()));
    assert!(good.auction().is_ok());
}

/// A program that folds events or encodes bodies differently must not read snapshots of this format.
#[test]
fn snapshot_format_keeps_its_bytes_and_meaning() {
    let hash = |auction: &Auction| {
        let body = snapshot(auction).body;
        format!("{:016x}", u64::from_be_bytes(*body.last_chunk::<8>().unwrap()))
    };
    let hashes: BTreeMap<String, String> =
        states().iter().map(|(name, auction)| (name.clone(), hash(auction))).collect();
    let stored = stored_hashes(&hashes);
    let changed: Vec<_> = hashes.iter().filter(|(name, hash)| stored.get(*name) != Some(hash)).collect();
    assert!(
        changed.is_empty(),
        "the folded state or its encoding changed: increment FORMAT, and set UPDATE_GOLDEN=1 to write the \
         hashes of the new format. New samples need only the latter. {changed:?}"
    );
}

/// Reads the hashes of snapshots of this format. With `UPDATE_GOLDEN=1`, missing ones are added first. Existing ones
/// are never changed: they represent snapshots in databases.
fn stored_hashes(hashes: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let file = directory().join(format!("snapshots/v{FORMAT}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|_| "{}".to_owned());
    let mut stored: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|update| update == "1") {
        for (name, hash) in hashes {
            stored.entry(name.clone()).or_insert_with(|| hash.clone());
        }
        std::fs::write(&file, serde_json::to_string_pretty(&stored).unwrap() + "\n").unwrap();
    }
    stored
}
