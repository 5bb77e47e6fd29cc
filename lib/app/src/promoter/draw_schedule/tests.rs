//! Tests of the draw schedule.

use super::*;
use auction_domain::auction::{Draw, Promotion, Proof, Seed, Terms, UnsoldReason};
use auction_domain::{Amount, BidId, Currency, Description, PromoterOptions, Title, UserId};
use uuid::Uuid;

const P: PartitionId = PartitionId(0);
const AUCTION: AuctionId = AuctionId(Uuid::from_u128(1));
const START: Timestamp = Timestamp(1_000_000);

fn after(seconds: u32) -> Timestamp {
    START + DurationMs::seconds(seconds)
}

/// Creates an auction of one minute, with a draw every ten seconds.
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
            promotion: Some(Promotion { interval: DurationMs::seconds(10), commitment }),
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

fn schedule() -> DrawSchedule {
    let schedule = DrawSchedule::default();
    apply(&schedule, &created(), START);
    schedule
}

fn apply(schedule: &DrawSchedule, event: &AuctionEvent, at: Timestamp) {
    let known = schedule.table().auctions.get(&AUCTION).map(|entry| entry.promoted.auction().version());
    schedule.apply(P, AUCTION, event, known.unwrap_or(0) + 1, at);
}

/// Returns the numbers and versions of due draws, and `(0, 0)` for a due reveal.
fn due(schedule: &DrawSchedule, now: Timestamp) -> Vec<(u64, u64)> {
    let due = schedule.due(now).into_iter();
    due.map(|due| match due {
        DueDraw::Hold { input, .. } => (input.number, input.at_version),
        DueDraw::Reveal { .. } => (0, 0),
    })
    .collect()
}

#[test]
fn draw_is_due_in_each_interval_until_it_is_recorded() {
    let schedule = schedule();
    assert_eq!(due(&schedule, after(9)), []);
    assert_eq!(schedule.next(), Some(after(10)));
    assert_eq!(due(&schedule, after(10)), [(1, 1)]);
    assert_eq!(due(&schedule, after(11)), [], "it was sent");
    assert_eq!(due(&schedule, after(12)), [(1, 1)], "it is not recorded");
    apply(&schedule, &held(1), after(12));
    assert_eq!(due(&schedule, after(13)), []);
    assert_eq!(due(&schedule, after(35)), [(3, 2)], "the second one is missed");
    assert_eq!(due(&schedule, after(60)), [], "bidding is over");
    assert_eq!(schedule.next(), Some(AFTER_NEXT_EVENT));
}

#[test]
fn draw_is_due_again_when_an_earlier_bid_arrives_late() {
    let schedule = schedule();
    assert_eq!(due(&schedule, after(10)), [(1, 1)]);
    apply(&schedule, &placed(1), after(9));
    assert_eq!(due(&schedule, after(10)), [(1, 2)]);
    apply(&schedule, &placed(2), after(10));
    assert_eq!(due(&schedule, after(11)), [], "a later bid changes nothing");
    assert_eq!(due(&schedule, after(12)), [(1, 2)]);
}

#[test]
fn seed_is_due_after_the_auction_until_it_is_recorded() {
    let schedule = schedule();
    let closed = AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::NoBids };
    apply(&schedule, &closed, after(60));
    assert_eq!(due(&schedule, after(60)), [(0, 0)]);
    assert_eq!(due(&schedule, after(61)), []);
    assert_eq!(due(&schedule, after(63)), [(0, 0)]);
    apply(&schedule, &AuctionEvent::SeedRevealed { seed: Seed([0; 32]) }, after(63));
    assert_eq!(
        (due(&schedule, after(600)), schedule.next(), schedule.contains(AUCTION)),
        (vec![], None, false)
    );
}

#[test]
fn draw_schedule_ignores_repeats_and_stops_at_a_gap() {
    let schedule = schedule();
    schedule.apply(P, AUCTION, &placed(1), 2, after(1));
    schedule.apply(P, AUCTION, &placed(1), 2, after(1));
    assert_eq!(due(&schedule, after(10)), [(1, 2)]);
    schedule.apply(P, AUCTION, &placed(3), 4, after(11));
    assert!(!schedule.contains(AUCTION));
}

#[test]
fn resetting_a_partition_removes_its_draws() {
    let schedule = schedule();
    schedule.reset_partition(P, Vec::new());
    assert_eq!((due(&schedule, after(10)), schedule.next()), (vec![], None));
}
