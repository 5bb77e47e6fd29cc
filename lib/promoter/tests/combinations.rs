//! Combinations of options, in every pair and every order, against a naive model.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    CandidateBid, DrawContext, NoBidReason, OptionSpec, Promoter, PromoterOption, Selection, WeightKind,
};
use proptest::prelude::*;
use uuid::Uuid;

/// Options whose order must not matter.
const UNORDERED: [OptionSpec; 6] = [
    OptionSpec::IntervalMs(60_000),
    OptionSpec::MaxDoublings(2),
    OptionSpec::OnlyInLastMs(600_000),
    OptionSpec::ExcludeLeader,
    OptionSpec::OncePerBidder,
    OptionSpec::ProbabilityPermille(900),
];

/// Options of which a later one can change the effect of an earlier one.
const ORDERED: [OptionSpec; 6] = [
    OptionSpec::WeighBy(WeightKind::Uniform),
    OptionSpec::WeighBy(WeightKind::Amount),
    OptionSpec::WeighBy(WeightKind::Age),
    OptionSpec::MaxWeight(1),
    OptionSpec::MaxWeight(40),
    OptionSpec::MaxDoublings(1),
];

fn promoter(specs: &[OptionSpec]) -> Promoter {
    Promoter::new(specs.iter().cloned().map(PromoterOption::from)).unwrap()
}

/// Naive model of the settings.
#[derive(Default)]
struct Model {
    weight: Option<WeightKind>,
    caps: Vec<u64>,
    max_doublings: Option<u32>,
    window: Option<u64>,
    exclude_leader: bool,
    once_per_bidder: bool,
    certain: bool,
}

impl Model {
    fn of(specs: &[OptionSpec]) -> Model {
        let mut model = Model { certain: true, ..Model::default() };
        for spec in specs {
            match spec {
                OptionSpec::WeighBy(weight) => {
                    model.weight = Some(*weight);
                    model.caps.clear();
                }
                OptionSpec::MaxWeight(limit) => model.caps.push(*limit),
                OptionSpec::MaxDoublings(limit) => model.max_doublings = Some(*limit),
                OptionSpec::OnlyInLastMs(ms) => model.window = Some(*ms),
                OptionSpec::ExcludeLeader => model.exclude_leader = true,
                OptionSpec::OncePerBidder => model.once_per_bidder = true,
                OptionSpec::ProbabilityPermille(permille) => model.certain = *permille == 1000,
                OptionSpec::IntervalMs(_) | OptionSpec::All(_) => {}
            }
        }
        model
    }

    fn weight(&self, bid: &CandidateBid, context: &DrawContext<'_>) -> u64 {
        let weight = match self.weight {
            None | Some(WeightKind::Uniform) => 1,
            Some(WeightKind::Amount) => bid.amount,
            Some(WeightKind::Age) => (context.due_at - bid.placed_at).max(0) as u64 + 1,
        };
        self.caps.iter().copied().fold(weight, u64::min)
    }

    fn eligible(&self, context: &DrawContext<'_>) -> Vec<Uuid> {
        let takes_part = |bid: &&CandidateBid| {
            let excluded_leader = self.exclude_leader && bid.bidder_leads;
            let excluded_bidder = self.once_per_bidder && bid.bidder_doubled;
            !(bid.doubled || excluded_leader || excluded_bidder)
        };
        context.bids.iter().filter(takes_part).map(|bid| bid.id).collect()
    }

    /// Whether the model allows this result.
    fn allows(&self, context: &DrawContext<'_>, eligible: u32, selection: Selection) -> bool {
        let candidates = self.eligible(context);
        let too_early = self.window.is_some_and(|ms| (context.ends_at - context.due_at) as u64 > ms);
        let limit_reached = self.max_doublings.is_some_and(|limit| context.doublings >= limit);
        let is_allowed = match selection {
            Selection::NoBid(NoBidReason::WindowNotOpen) => too_early,
            Selection::NoBid(NoBidReason::MaxDoublingsReached) => !too_early && limit_reached,
            Selection::NoBid(NoBidReason::IntervalSkipped) => !too_early && !limit_reached && !self.certain,
            Selection::NoBid(NoBidReason::NoEligibleBid(excluded)) => {
                let excluded_bids =
                    excluded.doubled + excluded.leading + excluded.bidder_doubled + excluded.zero_weight;
                !too_early
                    && !limit_reached
                    && candidates.is_empty()
                    && excluded_bids as usize == context.bids.len()
            }
            Selection::Bid(bid) => !too_early && !limit_reached && candidates.contains(&bid),
        };
        is_allowed && eligible as usize == candidates.len()
    }
}

fn bids() -> impl Strategy<Value = Vec<CandidateBid>> {
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    let bid = (1..100u64, 0..1000i64, flags);
    let bid = bid.prop_map(|(amount, placed_at, (doubled, bidder_leads, bidder_doubled))| CandidateBid {
        placed_at,
        doubled,
        bidder_leads,
        bidder_doubled,
        ..CandidateBid::new(Uuid::nil(), Uuid::nil(), amount)
    });
    prop::collection::vec(bid, 0..12).prop_map(|mut bids| {
        for (bid, n) in bids.iter_mut().zip(1u128..) {
            (bid.id, bid.bidder) = (Uuid::from_u128(n), Uuid::from_u128(n % 5));
        }
        bids
    })
}

/// Calls `each` with all permutations of a list (Heap's algorithm).
fn permutations(list: &mut [OptionSpec], k: usize, each: &mut impl FnMut(&[OptionSpec])) {
    if k <= 1 {
        return each(list);
    }
    for i in 0..k {
        permutations(list, k - 1, each);
        list.swap(if k.is_multiple_of(2) { i } else { 0 }, k - 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_of_options_matches_the_model(
        bids in bids(), doublings in 0..4u32, left in 0..1_200_000i64,
    ) {
        let specs: Vec<OptionSpec> = UNORDERED.into_iter().chain(ORDERED).collect();
        for first in &specs {
            for second in &specs {
                let pair = [first.clone(), second.clone()];
                // The default interval is as long as the window, so every pair is valid.
                let (promoter, model) = (promoter(&pair), Model::of(&pair));
                for draw in 0..4 {
                    let context = DrawContext {
                        draw: Uuid::from_u128(draw), position: 7, due_at: 1000, ends_at: 1000 + left,
                        doublings, bids: &bids,
                    };
                    let drawn = promoter.draw(&context);
                    prop_assert!(
                        model.allows(&context, drawn.eligible, drawn.selection),
                        "{:?} of {:?}: {:?}", pair, context, drawn
                    );
                    for bid in &bids {
                        let weight = promoter.settings().weight()(bid, &context);
                        prop_assert_eq!(weight, model.weight(bid, &context), "{:?}", pair);
                    }
                }
            }
        }
    }

    #[test]
    fn independent_options_may_come_in_any_order(bids in bids(), doublings in 0..4u32) {
        let context = DrawContext { due_at: 1000, ends_at: 500_000, doublings, bids: &bids, ..DrawContext::default() };
        let expected = promoter(&UNORDERED).draw(&context);
        let mut orders = 0;
        permutations(&mut UNORDERED.clone(), UNORDERED.len(), &mut |specs| {
            assert_eq!(promoter(specs).draw(&context), expected, "{specs:?}");
            orders += 1;
        });
        prop_assert_eq!(orders, 720);
    }

    #[test]
    fn every_order_of_dependent_options_matches_the_model(bids in bids()) {
        let context = DrawContext { due_at: 1000, ends_at: 1000, bids: &bids, ..DrawContext::default() };
        permutations(&mut ORDERED.clone(), ORDERED.len(), &mut |specs| {
            let (promoter, model) = (promoter(specs), Model::of(specs));
            for bid in &bids {
                assert_eq!(promoter.settings().weight()(bid, &context), model.weight(bid, &context), "{specs:?}");
            }
            let drawn = promoter.draw(&context);
            assert!(model.allows(&context, drawn.eligible, drawn.selection), "{specs:?}: {drawn:?}");
        });
    }

    #[test]
    fn proof_changes_with_every_input_of_the_draw(bids in bids(), which in any::<prop::sample::Index>()) {
        prop_assume!(bids.len() > 1);
        let promoter = promoter(&[]);
        let context = DrawContext { position: 5, due_at: 1000, ends_at: 9000, doublings: 1, bids: &bids, ..DrawContext::default() };
        let proof = promoter.draw(&context).proof;
        let other = |context: DrawContext<'_>| promoter.draw(&context).proof != proof;
        let others = [
            DrawContext { draw: Uuid::from_u128(1), ..context },
            DrawContext { position: 6, ..context },
            DrawContext { due_at: 1001, ..context },
            DrawContext { ends_at: 9001, ..context },
            DrawContext { doublings: 2, ..context },
            DrawContext { bids: &bids[1..], ..context },
        ];
        others.into_iter().for_each(|changed| assert!(other(changed), "{changed:?}"));
        let changed = |change: &dyn Fn(&mut CandidateBid)| {
            let mut bids = bids.clone();
            change(which.get_mut(&mut bids));
            other(DrawContext { bids: &bids, ..context })
        };
        prop_assert!(changed(&|bid| bid.amount += 1));
        prop_assert!(changed(&|bid| bid.bidder = Uuid::from_u128(99)));
        prop_assert!(changed(&|bid| bid.id = Uuid::from_u128(99)));
        prop_assert!(changed(&|bid| bid.placed_at += 1));
        prop_assert!(changed(&|bid| bid.doubled ^= true));
        prop_assert!(changed(&|bid| bid.bidder_leads ^= true));
        prop_assert!(changed(&|bid| bid.bidder_doubled ^= true));
        let mut swapped = bids.clone();
        swapped.swap(0, 1);
        let swapped = DrawContext { bids: &swapped, ..context };
        prop_assert!(other(swapped), "the order of bids is part of the input");
    }
}

#[test]
fn proof_changes_with_the_weights_only() {
    let bids = [1, 2].map(|n| CandidateBid::new(Uuid::from_u128(n), Uuid::from_u128(n), 7));
    let context = DrawContext { bids: &bids, ..DrawContext::default() };
    let proof = |specs: &[OptionSpec]| promoter(specs).draw(&context).proof;
    assert_ne!(proof(&[]), proof(&[OptionSpec::WeighBy(WeightKind::Amount)]));
    assert_eq!(proof(&[]), proof(&[OptionSpec::IntervalMs(60_000)]));
}
