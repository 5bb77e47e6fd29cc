//! One draw whose numbers were computed by another program (Python's `hmac` and `hashlib`), from the
//! description in the README alone: what is drawn today can be checked for ever.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    DrawContext, EligibleBid, Promoter, Seed, Selection, by_amount, never_the_leader, seeded, weigh_by,
};
use uuid::Uuid;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_draw_gives_what_another_program_computed() {
    let bid = |n, bidder, amount, placed_at| EligibleBid {
        placed_at,
        ..EligibleBid::new(Uuid::from_u128(n), Uuid::from_u128(bidder), amount)
    };
    let leader = EligibleBid { bidder_leads: true, ..bid(2, 12, 500, 2000) };
    let bids = [bid(1, 11, 300, 1000), leader, bid(3, 11, 700, 3000)];
    let seed = Seed(std::array::from_fn(|i| i as u8));
    let promoter = Promoter::new([weigh_by(by_amount), never_the_leader(), seeded(seed)]).unwrap();
    let (draw, position, due_at, ends_at, promotions) = (Uuid::from_u128(9), 17, 60_000, 600_000, 1);
    let drawn = promoter.draw(&DrawContext { draw, position, due_at, ends_at, promotions, bids: &bids });
    assert_eq!(hex(&drawn.proof), "d17a5ef3fa3cbd196fe87fb6e8dddfae3d5a5d2ba6d2a217d51c7b6f1bf8ce8f");
    // The second number, modulo the weights of 300 and 700, is 395: beyond the first bid.
    assert_eq!((drawn.eligible, drawn.result), (2, Selection::Bid(bids[2].id)));
}

#[test]
fn a_seed_is_derived_as_another_program_computed() {
    let seed = Seed::derived(b"a secret of the house", Uuid::from_u128(1));
    assert_eq!(hex(&seed.0), "2165ee0b4b56ed17c6241d9b1f7dbb59b424f99b40dc77d045d738de5e67c3f9");
}
