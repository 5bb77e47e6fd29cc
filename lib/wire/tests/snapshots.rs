//! Snapshots come back as they were, or not at all.

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
        soft_close: Some(SoftClose { extend_by: DurationMs(5_000), within: DurationMs(3_000), at_most: 4 }),
        retraction_lock: DurationMs(500),
        promotion: Some(Promotion { every: DurationMs(10_000), commitment: Commitment([7; 32]) }),
    }
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0100 + n))
}

fn bid(n: u128) -> BidId {
    BidId(Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0200 + n))
}

/// One of each kind that changes an auction, and two ends.
fn histories() -> Vec<Vec<AuctionEvent>> {
    let (title, description) = (Title::new("A thing").unwrap(), Description::new("").unwrap());
    let place = |n: u128, who, amount| AuctionEvent::BidPlaced {
        bid: bid(n),
        bidder: user(who),
        amount: Amount::new(amount).unwrap(),
    };
    let doubled = Amount::effective(260).unwrap();
    let winner = Winner { bid: bid(2), bidder: user(2), pays: Amount::new(130).unwrap(), effective: doubled };
    let common = vec![
        AuctionEvent::AuctionCreated { title, description, terms: terms() },
        place(1, 1, 110),
        place(2, 2, 130),
        place(3, 1, 120),
        place(4, 3, 1 << 40),
        place(5, 4, 140),
        AuctionEvent::BidDeleted { bid: bid(3), bidder: user(1) },
        AuctionEvent::BidDoubled { bid: bid(2), bidder: user(2), effective: doubled },
        AuctionEvent::BidVoided { bid: bid(4), bidder: user(3), reason: Reason::new("mistyped").unwrap() },
        AuctionEvent::DrawsMissed { first: 1, last: 2 },
        AuctionEvent::AuctionExtended { ends_at: Timestamp(95_000) },
        AuctionEvent::BidsRetracted { bidder: user(4), bids: vec![bid(5)] },
        AuctionEvent::AuctionEnded { ends_at: Timestamp(94_000) },
    ];
    let ends = [AuctionEvent::WinnerAnnounced(winner), AuctionEvent::AuctionCancelled];
    ends.into_iter()
        .map(|end| [common.clone(), vec![end, AuctionEvent::SeedRevealed { seed: Seed([3; 32]) }]].concat())
        .collect()
}

/// The auction after each event.
fn states() -> Vec<Auction> {
    let mut states = Vec::new();
    for history in histories() {
        let mut auction = None;
        for (event, n) in history.iter().zip(0..) {
            // Times go back now and then: Redis's clock was set.
            Auction::apply(&mut auction, event, Timestamp(50_000 - 7 * n));
            states.extend(auction.clone());
        }
    }
    states
}

#[test]
fn a_snapshot_comes_back_as_it_was_after_every_event() {
    for auction in states() {
        let record = SnapshotRecord::of(AUCTION, 77, &auction.memento());
        assert_eq!((record.key, record.version, record.position), (AUCTION, auction.version(), 77));
        assert_eq!(record.auction().unwrap().memento(), auction.memento());
    }
}

#[test]
fn a_damaged_snapshot_is_refused_wherever_the_damage_is() {
    let good = SnapshotRecord::of(AUCTION, 77, &states().pop().unwrap().memento());
    for at in 0..good.body.len() {
        let mut damaged = good.clone();
        damaged.body[at] ^= 0x10;
        assert!(damaged.auction().is_err(), "byte {at}");
        damaged.body.truncate(at);
        assert!(damaged.auction().is_err(), "cut at {at}");
    }
    let of_another = SnapshotRecord { key: bid(1).0, ..good.clone() };
    let newer = SnapshotRecord { version: good.version + 1, ..good.clone() };
    let other_format = SnapshotRecord { format: good.format + 1, ..good.clone() };
    assert!([of_another, newer, other_format].iter().all(|record| record.auction().is_err()));
    assert!(good.auction().is_ok());
}

/// The hashes of format 1.
const HASHES: [&str; 2] = ["9c87b9b85f790b81", "e26bdfdd450f8edd"];

/// A program that folds events otherwise, or writes a body otherwise, must not read what others wrote.
#[test]
fn a_format_keeps_its_bytes_and_its_meaning() {
    assert_eq!(auction_wire::snapshot::FORMAT, 1);
    let states = states();
    let of = |auction: &Auction| {
        let record = SnapshotRecord::of(AUCTION, 77, &auction.memento());
        let hash = record.body.last_chunk::<8>().unwrap();
        format!("{:016x}", u64::from_be_bytes(*hash))
    };
    let hashes = [of(&states[states.len() / 2 - 1]), of(states.last().unwrap())];
    assert_eq!(
        hashes, HASHES,
        "events come to something else now, or the body changed: FORMAT has to be one more"
    );
}
