//! Distribution of draws, by Pearson's chi-square test. A fair draw would fail it once in a million times;
//! the seeds are fixed, so that a test always passes or always fails. Another test checks that a biased draw
//! is detected.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    CandidateBid, DrawContext, Promoter, PromoterOption, Seed, Selection, by_age, by_amount, seeded, uniform,
    weigh_by,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Number of draws per test.
const DRAWS: u64 = 60_000;

/// Chi-square limits that a fair draw exceeds once in a million times, with 3, 7 and 9 degrees of freedom.
const LIMIT_3: f64 = 30.665;
const LIMIT_7: f64 = 40.522;
const LIMIT_9: f64 = 44.811;

fn bids(amounts: &[u64]) -> Vec<CandidateBid> {
    let numbered = (1u128..).zip(amounts);
    numbered.map(|(n, amount)| CandidateBid::new(Uuid::from_u128(n), Uuid::from_u128(n), *amount)).collect()
}

/// Returns the chi-square statistic of the counts.
fn chi_square(counts: &[u64], odds: &[f64]) -> f64 {
    let (drawn, total) = (counts.iter().sum::<u64>() as f64, odds.iter().sum::<f64>());
    let parts = counts.iter().zip(odds).map(|(count, odds)| {
        let expected = drawn * odds / total;
        (*count as f64 - expected).powi(2) / expected
    });
    parts.sum()
}

/// Returns how often each bid is drawn, with a new draw id each time.
fn counts(option: PromoterOption, bids: &[CandidateBid]) -> Vec<u64> {
    let promoter = Promoter::new([option, seeded(Seed([42; 32]))]).unwrap();
    let mut drawn: HashMap<Uuid, u64> = HashMap::new();
    for n in 0..DRAWS {
        let draw = Uuid::from_u128(u128::from(n));
        let Selection::Bid(bid) =
            promoter.draw(&DrawContext { draw, due_at: 1000, bids, ..DrawContext::default() }).selection
        else {
            panic!("a bid is drawn")
        };
        *drawn.entry(bid).or_default() += 1;
    }
    bids.iter().map(|bid| drawn.get(&bid.id).copied().unwrap_or_default()).collect()
}

#[test]
fn uniform_draws_are_uniform() {
    let counts = counts(weigh_by(uniform), &bids(&[1, 10, 100, 1_000, 10_000, 1, 1, 1, 1, 1]));
    let distance = chi_square(&counts, &[1.0; 10]);
    assert!(distance < LIMIT_9, "{distance}: {counts:?}");
}

#[test]
fn draws_by_amount_follow_the_amounts() {
    let amounts = [1, 2, 3, 5, 8, 13, 21, 34];
    let counts = counts(weigh_by(by_amount), &bids(&amounts));
    let distance = chi_square(&counts, &amounts.map(|amount| amount as f64));
    assert!(distance < LIMIT_7, "{distance}: {counts:?}");
}

#[test]
fn draws_by_age_follow_the_age() {
    let mut bids = bids(&[1; 4]);
    bids.iter_mut().zip([899, 799, 699, 599]).for_each(|(bid, at)| bid.placed_at = at);
    let counts = counts(weigh_by(by_age), &bids);
    let distance = chi_square(&counts, &[102.0, 202.0, 302.0, 402.0]);
    assert!(distance < LIMIT_3, "{distance}: {counts:?}");
}

#[test]
fn draws_follow_weights_up_to_the_maximum() {
    let huge = u64::MAX;
    let counts = counts(weigh_by(by_amount), &bids(&[huge, huge / 2, huge, huge / 2]));
    let distance = chi_square(&counts, &[2.0, 1.0, 2.0, 1.0]);
    assert!(distance < LIMIT_3, "{distance}: {counts:?}");
}

#[test]
fn consecutive_draws_are_independent() {
    let bids = bids(&[1, 1]);
    let promoter = Promoter::new([seeded(Seed([42; 32]))]).unwrap();
    let first = |n: u64| {
        let draw = Uuid::from_u128(u128::from(n));
        promoter.draw(&DrawContext { draw, bids: &bids, ..DrawContext::default() }).selection
            == Selection::Bid(bids[0].id)
    };
    let mut pairs = [0; 4];
    (0..DRAWS).for_each(|n| pairs[usize::from(first(2 * n)) * 2 + usize::from(first(2 * n + 1))] += 1);
    let distance = chi_square(&pairs, &[1.0; 4]);
    assert!(distance < LIMIT_3, "{distance}: {pairs:?}");
}

#[test]
fn biased_draws_are_detected() {
    // A byte modulo ten: the first six results are 4% more likely than the last four.
    let promoter = Promoter::new([seeded(Seed([42; 32]))]).unwrap();
    let mut remainders = [0; 10];
    for n in 0..DRAWS {
        let proof = promoter.draw(&DrawContext { position: n, ..DrawContext::default() }).proof;
        remainders[usize::from(proof[0]) % 10] += 1;
    }
    let distance = chi_square(&remainders, &[1.0; 10]);
    assert!(distance > LIMIT_9, "{distance}: {remainders:?}");

    // A weight that is 5% too high.
    let amounts = [1, 2, 3, 5, 8, 13, 21, 34];
    let counts = counts(weigh_by(by_amount), &bids(&amounts));
    let mut odds = amounts.map(|amount| amount as f64);
    odds[7] *= 1.05;
    let distance = chi_square(&counts, &odds);
    assert!(distance > LIMIT_7, "{distance}: {counts:?}");
}
