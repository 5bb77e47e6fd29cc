//! Options together, in every pair and every order, against a plain model of who takes part.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    DrawContext, EligibleBid, NoSelection, OptionSpec, Promoter, PromoterOption, Selection, WeightKind,
};
use proptest::prelude::*;
use uuid::Uuid;

/// Options whose order must not matter, one value each.
const UNORDERED: [OptionSpec; 6] = [
    OptionSpec::EveryMs(60_000),
    OptionSpec::AtMost(2),
    OptionSpec::OnlyInLastMs(600_000),
    OptionSpec::NeverTheLeader,
    OptionSpec::OncePerBidder,
    OptionSpec::Chance(900),
];

/// Options of which the later can change what the earlier set.
const ORDERED: [OptionSpec; 6] = [
    OptionSpec::WeighBy(WeightKind::Uniform),
    OptionSpec::WeighBy(WeightKind::Amount),
    OptionSpec::WeighBy(WeightKind::Age),
    OptionSpec::WeighAtMost(1),
    OptionSpec::WeighAtMost(40),
    OptionSpec::AtMost(1),
];

fn promoter(specs: &[OptionSpec]) -> Promoter {
    Promoter::new(specs.iter().cloned().map(PromoterOption::from)).unwrap()
}

/// What the options come to, by the plainest reading of them.
#[derive(Default)]
struct Model {
    weighing: Option<WeightKind>,
    caps: Vec<u64>,
    at_most: Option<u32>,
    window: Option<u64>,
    never_the_leader: bool,
    once_per_bidder: bool,
    certain: bool,
}

impl Model {
    fn of(specs: &[OptionSpec]) -> Model {
        let mut model = Model { certain: true, ..Model::default() };
        for spec in specs {
            match spec {
                OptionSpec::WeighBy(weighing) => {
                    model.weighing = Some(*weighing);
                    model.caps.clear();
                }
                OptionSpec::WeighAtMost(most) => model.caps.push(*most),
                OptionSpec::AtMost(most) => model.at_most = Some(*most),
                OptionSpec::OnlyInLastMs(ms) => model.window = Some(*ms),
                OptionSpec::NeverTheLeader => model.never_the_leader = true,
                OptionSpec::OncePerBidder => model.once_per_bidder = true,
                OptionSpec::Chance(chance) => model.certain = *chance == 1000,
                OptionSpec::EveryMs(_) | OptionSpec::All(_) => {}
            }
        }
        model
    }

    fn weight(&self, bid: &EligibleBid, round: &DrawContext<'_>) -> u64 {
        let weight = match self.weighing {
            None | Some(WeightKind::Uniform) => 1,
            Some(WeightKind::Amount) => bid.amount,
            Some(WeightKind::Age) => (round.due_at - bid.placed_at).max(0) as u64 + 1,
        };
        self.caps.iter().copied().fold(weight, u64::min)
    }

    fn eligible(&self, round: &DrawContext<'_>) -> Vec<Uuid> {
        let takes_part = |bid: &&EligibleBid| {
            let leads = self.never_the_leader && bid.bidder_leads;
            let had_his = self.once_per_bidder && bid.bidder_promoted;
            !(bid.promoted || leads || had_his)
        };
        round.bids.iter().filter(takes_part).map(|bid| bid.id).collect()
    }

    /// Whether the result can be.
    fn agrees(&self, round: &DrawContext<'_>, eligible: u32, result: Selection) -> bool {
        let among = self.eligible(round);
        let too_early = self.window.is_some_and(|ms| (round.ends_at - round.due_at) as u64 > ms);
        let enough = self.at_most.is_some_and(|most| round.promotions >= most);
        let right = match result {
            Selection::Nobody(NoSelection::NotYet) => too_early,
            Selection::Nobody(NoSelection::Enough) => !too_early && enough,
            Selection::Nobody(NoSelection::NoLuck) => !too_early && !enough && !self.certain,
            Selection::Nobody(NoSelection::NoneEligible(excluded)) => {
                let left_out = excluded.promoted + excluded.leading + excluded.once + excluded.weightless;
                !too_early && !enough && among.is_empty() && left_out as usize == round.bids.len()
            }
            Selection::Bid(bid) => !too_early && !enough && among.contains(&bid),
        };
        right && eligible as usize == among.len()
    }
}

fn bids() -> impl Strategy<Value = Vec<EligibleBid>> {
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    let bid = (1..100u64, 0..1000i64, flags);
    let bid = bid.prop_map(|(amount, placed_at, (promoted, bidder_leads, bidder_promoted))| EligibleBid {
        placed_at,
        promoted,
        bidder_leads,
        bidder_promoted,
        ..EligibleBid::new(Uuid::nil(), Uuid::nil(), amount)
    });
    prop::collection::vec(bid, 0..12).prop_map(|mut bids| {
        for (bid, n) in bids.iter_mut().zip(1u128..) {
            (bid.id, bid.bidder) = (Uuid::from_u128(n), Uuid::from_u128(n % 5));
        }
        bids
    })
}

/// All orders of a list (Heap's algorithm).
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
    fn every_pair_in_either_order_does_what_the_model_says(
        bids in bids(), promotions in 0..4u32, left in 0..1_200_000i64,
    ) {
        let specs: Vec<OptionSpec> = UNORDERED.into_iter().chain(ORDERED).collect();
        for first in &specs {
            for second in &specs {
                let pair = [first.clone(), second.clone()];
                // A draw every ten minutes goes with a window of ten minutes.
                let (promoter, model) = (promoter(&pair), Model::of(&pair));
                for draw in 0..4 {
                    let round = DrawContext {
                        draw: Uuid::from_u128(draw), position: 7, due_at: 1000, ends_at: 1000 + left,
                        promotions, bids: &bids,
                    };
                    let drawn = promoter.draw(&round);
                    prop_assert!(
                        model.agrees(&round, drawn.eligible, drawn.result),
                        "{:?} of {:?}: {:?}", pair, round, drawn
                    );
                    for bid in &bids {
                        let weight = promoter.settings().weight()(bid, &round);
                        prop_assert_eq!(weight, model.weight(bid, &round), "{:?}", pair);
                    }
                }
            }
        }
    }

    #[test]
    fn options_that_do_not_touch_each_other_may_come_in_any_order(bids in bids(), promotions in 0..4u32) {
        let round = DrawContext { due_at: 1000, ends_at: 500_000, promotions, bids: &bids, ..DrawContext::default() };
        let expected = promoter(&UNORDERED).draw(&round);
        let mut orders = 0;
        permutations(&mut UNORDERED.clone(), UNORDERED.len(), &mut |specs| {
            assert_eq!(promoter(specs).draw(&round), expected, "{specs:?}");
            orders += 1;
        });
        prop_assert_eq!(orders, 720);
    }

    #[test]
    fn where_the_order_matters_every_order_does_what_the_model_says(bids in bids()) {
        let round = DrawContext { due_at: 1000, ends_at: 1000, bids: &bids, ..DrawContext::default() };
        permutations(&mut ORDERED.clone(), ORDERED.len(), &mut |specs| {
            let (promoter, model) = (promoter(specs), Model::of(specs));
            for bid in &bids {
                assert_eq!(promoter.settings().weight()(bid, &round), model.weight(bid, &round), "{specs:?}");
            }
            let drawn = promoter.draw(&round);
            assert!(model.agrees(&round, drawn.eligible, drawn.result), "{specs:?}: {drawn:?}");
        });
    }

    /// What is drawn is bound to all that it looked at.
    #[test]
    fn a_change_of_anything_that_a_draw_looks_at_changes_its_proof(bids in bids(), which in any::<prop::sample::Index>()) {
        prop_assume!(bids.len() > 1);
        let promoter = promoter(&[]);
        let round = DrawContext { position: 5, due_at: 1000, ends_at: 9000, promotions: 1, bids: &bids, ..DrawContext::default() };
        let proof = promoter.draw(&round).proof;
        let other = |round: DrawContext<'_>| promoter.draw(&round).proof != proof;
        let others = [
            DrawContext { draw: Uuid::from_u128(1), ..round },
            DrawContext { position: 6, ..round },
            DrawContext { due_at: 1001, ..round },
            DrawContext { ends_at: 9001, ..round },
            DrawContext { promotions: 2, ..round },
            DrawContext { bids: &bids[1..], ..round },
        ];
        others.into_iter().for_each(|changed| assert!(other(changed), "{changed:?}"));
        let changed = |change: &dyn Fn(&mut EligibleBid)| {
            let mut bids = bids.clone();
            change(which.get_mut(&mut bids));
            other(DrawContext { bids: &bids, ..round })
        };
        prop_assert!(changed(&|bid| bid.amount += 1));
        prop_assert!(changed(&|bid| bid.bidder = Uuid::from_u128(99)));
        prop_assert!(changed(&|bid| bid.id = Uuid::from_u128(99)));
        prop_assert!(changed(&|bid| bid.placed_at += 1));
        prop_assert!(changed(&|bid| bid.promoted ^= true));
        prop_assert!(changed(&|bid| bid.bidder_leads ^= true));
        prop_assert!(changed(&|bid| bid.bidder_promoted ^= true));
        let mut swapped = bids.clone();
        swapped.swap(0, 1);
        let swapped = DrawContext { bids: &swapped, ..round };
        prop_assert!(other(swapped), "the order counts");
    }
}

#[test]
fn other_settings_give_another_proof_where_they_give_other_odds() {
    let bids = [1, 2].map(|n| EligibleBid::new(Uuid::from_u128(n), Uuid::from_u128(n), 7));
    let round = DrawContext { bids: &bids, ..DrawContext::default() };
    let proof = |specs: &[OptionSpec]| promoter(specs).draw(&round).proof;
    assert_ne!(proof(&[]), proof(&[OptionSpec::WeighBy(WeightKind::Amount)]));
    assert_eq!(proof(&[]), proof(&[OptionSpec::EveryMs(60_000)]));
}
