//! Test vector, computed by another program (Python's `hmac` and `hashlib`) from the README alone. It must
//! never change: draws of the past must stay verifiable.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    CandidateBid, DrawContext, Promoter, Seed, Selection, by_amount, exclude_leader, seeded, weigh_by,
};
use uuid::Uuid;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn draw_matches_another_implementation() {
    let bid = |n, bidder, amount, placed_at| CandidateBid {
        placed_at,
        ..CandidateBid::new(Uuid::from_u128(n), Uuid::from_u128(bidder), amount)
    };
    let leader = CandidateBid { bidder_leads: true, ..bid(2, 12, 500, 2000) };
    let bids = [bid(1, 11, 300, 1000), leader, bid(3, 11, 700, 3000)];
    let seed = Seed(std::array::from_fn(|i| i as u8));
    let promoter = Promoter::new([weigh_by(by_amount), exclude_leader(), seeded(seed)]).unwrap();
    let (draw, position, due_at, ends_at, doublings) = (Uuid::from_u128(9), 17, 60_000, 600_000, 1);
    let result = promoter.draw(&DrawContext { draw, position, due_at, ends_at, doublings, bids: &bids });
    assert_eq!(hex(&result.proof), "d17a5ef3fa3cbd196fe87fb6e8dddfae3d5a5d2ba6d2a217d51c7b6f1bf8ce8f");
    // The second number modulo the total weight (300 + 700) is 395: past the first bid.
    assert_eq!((result.eligible, result.selection), (2, Selection::Bid(bids[2].id)));
}

#[test]
fn derived_seed_matches_another_implementation() {
    let seed = Seed::derived(b"long-lived secret", Uuid::from_u128(1));
    assert_eq!(hex(&seed.0), "a7045c70ae9823b54b63559bf9998e8f9e3d1ef6ebf4a0db654dfccd5942d3ad");
}
