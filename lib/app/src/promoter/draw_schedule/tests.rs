//! When draws and seeds are due.

use super::*;
use auction_domain::auction::{Draw, Promotion, Proof, Seed, Terms, Unsold};
use auction_domain::{Amount, BidId, Currency, Description, PromoterOptions, Title, UserId};
use uuid::Uuid;

const P: PartitionId = PartitionId(0);
const AUCTION: AuctionId = AuctionId(Uuid::from_u128(1));
const START: Timestamp = Timestamp(1_000_000);

fn after(seconds: u32) -> Timestamp {
    START + DurationMs::seconds(seconds)
}

/// Of a minute, with a draw every ten seconds.
fn created() -> AuctionEvent {
    let commitment = Commitment([1; 32]);
    AuctionEvent::AuctionCreated {
        title: Title::new("A thing").unwrap(),
        description: Description::new("").unwrap(),
        terms: Terms {
            currency: Currency::new("EUR").unwrap(),
            opening_bid: Amount::new(1).unwrap(),
            reserve: None,
            starts_at: START,
            ends_at: after(60),
            seller: None,
            soft_close: None,
            retraction_lock: DurationMs(0),
            promotion: Some(Promotion { every: DurationMs::seconds(10), commitment }),
        },
    }
}

fn held(number: u64) -> AuctionEvent {
    AuctionEvent::DrawHeld(Box::new(Draw {
        number,
        at_version: 1,
        options: PromoterOptions::new("[]").unwrap(),
        settings_version: 0,
        eligible: 0,
        chosen: None,
        proof: Proof([0; 32]),
    }))
}

fn placed(n: u128) -> AuctionEvent {
    let (bid, bidder) = (BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)));
    AuctionEvent::BidPlaced { bid, bidder, amount: Amount::new(5).unwrap() }
}

fn floor() -> DrawSchedule {
    let floor = DrawSchedule::default();
    apply(&floor, &created(), START);
    floor
}

/// The next event.
fn apply(floor: &DrawSchedule, event: &AuctionEvent, at: Timestamp) {
    let known = floor.table().auctions.get(&AUCTION).map(|entry| entry.promoted.auction().version());
    floor.apply(P, AUCTION, event, known.unwrap_or(0) + 1, at);
}

/// Numbers and versions of what is due.
fn due(floor: &DrawSchedule, now: Timestamp) -> Vec<(u64, u64)> {
    let due = floor.due(now).into_iter();
    due.map(|due| match due {
        DueDraw::Hold { look, .. } => (look.number, look.at_version),
        DueDraw::Reveal { .. } => (0, 0),
    })
    .collect()
}

#[test]
fn a_draw_is_due_in_each_interval_until_it_shows() {
    let floor = floor();
    assert_eq!(due(&floor, after(9)), []);
    assert_eq!(floor.next(), Some(after(10)));
    assert_eq!(due(&floor, after(10)), [(1, 1)]);
    assert_eq!(due(&floor, after(11)), [], "it was sent");
    assert_eq!(due(&floor, after(12)), [(1, 1)], "it does not show");
    apply(&floor, &held(1), after(12));
    assert_eq!(due(&floor, after(13)), []);
    assert_eq!(due(&floor, after(35)), [(3, 2)], "the second one is missed");
    assert_eq!(due(&floor, after(60)), [], "bidding is over");
    assert_eq!(floor.next(), Some(NOT_BEFORE_NEWS));
}

#[test]
fn a_draw_is_sent_again_when_a_bid_from_before_it_was_due_turns_up() {
    let floor = floor();
    assert_eq!(due(&floor, after(10)), [(1, 1)]);
    apply(&floor, &placed(1), after(9));
    assert_eq!(due(&floor, after(10)), [(1, 2)]);
    apply(&floor, &placed(2), after(10));
    assert_eq!(due(&floor, after(11)), [], "one from after it changes nothing");
    assert_eq!(due(&floor, after(12)), [(1, 2)]);
}

#[test]
fn the_seed_is_due_when_the_auction_is_final_until_it_shows() {
    let floor = floor();
    let closed = AuctionEvent::AuctionClosedUnsold { because: Unsold::NoBids };
    apply(&floor, &closed, after(60));
    assert_eq!(due(&floor, after(60)), [(0, 0)]);
    assert_eq!(due(&floor, after(61)), []);
    assert_eq!(due(&floor, after(63)), [(0, 0)]);
    apply(&floor, &AuctionEvent::SeedRevealed { seed: Seed([0; 32]) }, after(63));
    assert_eq!((due(&floor, after(600)), floor.next(), floor.contains(AUCTION)), (vec![], None, false));
}

#[test]
fn an_event_that_comes_again_changes_nothing_and_a_hole_ends_the_draws() {
    let floor = floor();
    floor.apply(P, AUCTION, &placed(1), 2, after(1));
    floor.apply(P, AUCTION, &placed(1), 2, after(1));
    assert_eq!(due(&floor, after(10)), [(1, 2)]);
    floor.apply(P, AUCTION, &placed(3), 4, after(11));
    assert!(!floor.contains(AUCTION));
}

#[test]
fn nothing_is_due_in_a_partition_that_is_not_watched_any_more() {
    let floor = floor();
    floor.reset_partition(P, Vec::new());
    assert_eq!((due(&floor, after(10)), floor.next()), (vec![], None));
}
