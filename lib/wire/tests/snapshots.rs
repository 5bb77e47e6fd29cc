//! Snapshots round-trip unchanged, and damaged ones are refused.

#![allow(clippy::unwrap_used)]

use auction_domain::auction::{Auction, AuctionEvent, Commitment, Promotion, Seed, SoftClose, Terms, Winner};
use auction_domain::{Amount, BidId, Currency, Description, DurationMs, Reason, Timestamp, Title, UserId};
use auction_wire::SnapshotRecord;
use uuid::Uuid;

const AUCTION: Uuid = Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0001);

fn terms() -> Terms {
    Terms {
        currency: Currency::new("EUR").unwrap(),
        opening_bid: Amount::new(100).unwrap(),
        reserve: Some(Amount::new(150).unwrap()),
        starts_at: Timestamp(1_000),
        ends_at: Timestamp(90_000),
        seller: Some(user(9)),
        soft_close: Some(SoftClose {
            extend_by: DurationMs(5_000),
            within: DurationMs(3_000),
            max_extensions: 4,
        }),
        retraction_lock: DurationMs(500),
        promotion: Some(Promotion { interval: DurationMs(10_000), commitment: Commitment([7; 32]) }),
    }
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0100 + n))
}

fn bid(n: u128) -> BidId {
    BidId(Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0200 + n))
}

/// Histories with one event of each kind that changes an auction, one history per final result.
fn histories() -> Vec<Vec<AuctionEvent>> {
    let (title, description) = (Title::new("A thing").unwrap(), Description::new("").unwrap());
    let place = |n: u128, bidder, amount| AuctionEvent::BidPlaced {
        bid: bid(n),
        bidder: user(bidder),
        amount: Amount::new(amount).unwrap(),
    };
    let doubled = Amount::effective(260).unwrap();
    let winner =
        Winner { bid: bid(2), bidder: user(2), price: Amount::new(130).unwrap(), effective: doubled };
    let common = vec![
        AuctionEvent::AuctionCreated { title, description, terms: terms() },
        place(1, 1, 110),
        place(2, 2, 130),
        place(3, 1, 120),
        place(4, 3, 1 << 40),
        place(5, 4, 140),
        AuctionEvent::BidDeleted { bid: bid(3), bidder: user(1) },
        AuctionEvent::BidDoubled { bid: bid(2), bidder: user(2), effective: doubled },
        AuctionEvent::BidVoided {
            bid: bid(4),
            bidder: user(3),
            reason: Reason::new("mistyped").unwrap(),
            by: None,
        },
        AuctionEvent::DrawsMissed { first: 1, last: 2 },
        AuctionEvent::AuctionExtended { ends_at: Timestamp(95_000) },
        AuctionEvent::BidsRetracted { bidder: user(4), bids: vec![bid(5)] },
        AuctionEvent::AuctionEnded { ends_at: Timestamp(94_000), by: None },
    ];
    let results = [AuctionEvent::WinnerAnnounced(winner), AuctionEvent::AuctionCancelled { by: None }];
    results
        .into_iter()
        .map(|result| {
            [common.clone(), vec![result, AuctionEvent::SeedRevealed { seed: Seed([3; 32]) }]].concat()
        })
        .collect()
}

/// Returns the auction after each event of each history.
fn states() -> Vec<Auction> {
    let mut states = Vec::new();
    for history in histories() {
        let mut auction = None;
        for (event, n) in history.iter().zip(0..) {
            // Times decrease, as when the clock of Redis is set back.
            Auction::apply(&mut auction, event, Timestamp(50_000 - 7 * n));
            states.extend(auction.clone());
        }
    }
    states
}

#[test]
fn snapshots_round_trip_after_every_event() {
    for auction in states() {
        let record = SnapshotRecord::of(AUCTION, 77, &auction.state());
        assert_eq!((record.key, record.version, record.position), (AUCTION, auction.version(), 77));
        assert_eq!(record.auction().unwrap().state(), auction.state());
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let good = SnapshotRecord::of(AUCTION, 77, &states().pop().unwrap().state());
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

/// Hashes of two snapshots of format 1.
const HASHES: [&str; 2] = ["9c87b9b85f790b81", "e26bdfdd450f8edd"];

/// A program that folds events or encodes bodies differently must not read snapshots of this format.
#[test]
fn snapshot_format_keeps_its_bytes_and_meaning() {
    assert_eq!(auction_wire::snapshot::FORMAT, 1);
    let states = states();
    let hash_of = |auction: &Auction| {
        let record = SnapshotRecord::of(AUCTION, 77, &auction.state());
        let hash = record.body.last_chunk::<8>().unwrap();
        format!("{:016x}", u64::from_be_bytes(*hash))
    };
    let hashes = [hash_of(&states[states.len() / 2 - 1]), hash_of(states.last().unwrap())];
    assert_eq!(
        hashes, HASHES,
        "the folded state or its encoding changed: increment FORMAT and update HASHES"
    );
}
