//! Each option alone, what makes no sense, and the order in which options are applied.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    DrawContext, EligibleBid, ExclusionCounts, NoSelection, OptionError, OptionSpec, Promoter,
    PromoterOption, Seed, Selection, WeightKind, all, at_most, by_age, by_amount, chance, every,
    never_the_leader, once_per_bidder, only_in_last, seeded, uniform, weigh_at_most, weigh_by,
};
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

fn bid(n: u128, amount: u64) -> EligibleBid {
    EligibleBid::new(Uuid::from_u128(n), Uuid::from_u128(n + 100), amount)
}

fn draw(options: impl IntoIterator<Item = PromoterOption>, bids: &[EligibleBid]) -> (u32, Selection) {
    let drawn = Promoter::new(options).unwrap().draw(&DrawContext { bids, ..DrawContext::default() });
    (drawn.eligible, drawn.result)
}

fn refused(options: impl IntoIterator<Item = PromoterOption>) -> OptionError {
    Promoter::new(options).unwrap_err()
}

fn nobody(excluded: ExclusionCounts) -> (u32, Selection) {
    (0, Selection::Nobody(NoSelection::NoneEligible(excluded)))
}

#[test]
fn no_option_works() {
    let promoter = Promoter::new([]).unwrap();
    assert_eq!(promoter.settings().every(), Duration::from_secs(600));
    assert_eq!(draw([], &[bid(1, 5)]), (1, Selection::Bid(Uuid::from_u128(1))));
    assert_eq!(draw([], &[]), nobody(ExclusionCounts::default()));
}

#[test]
fn a_promoter_goes_from_thread_to_thread() {
    fn is<T: Send + Sync + 'static>() {}
    fn can_be_sent<T: Send + 'static>() {}
    is::<Promoter>();
    can_be_sent::<PromoterOption>();
}

#[test]
fn every_says_how_long_an_interval_is() {
    assert_eq!(Promoter::new([every(MINUTE)]).unwrap().settings().every(), MINUTE);
    for wrong in [Duration::ZERO, Duration::from_millis(99), 32 * 1440 * MINUTE] {
        assert_eq!(refused([every(wrong)]), OptionError::Interval(wrong));
    }
    assert!(Promoter::new([every(Duration::from_millis(100))]).is_ok());
}

#[test]
fn weigh_by_says_how_likely_a_bid_is() {
    let weighs = |option: PromoterOption, bid: EligibleBid| {
        let round = DrawContext { due_at: 50, ..DrawContext::default() };
        Promoter::new([option]).unwrap().settings().weight()(&bid, &round)
    };
    let old = EligibleBid { placed_at: 10, ..bid(1, 700) };
    assert_eq!(weighs(weigh_by(uniform), old), 1);
    assert_eq!(weighs(weigh_by(by_amount), old), 700);
    assert_eq!(weighs(weigh_by(by_age), old), 41);
    let from_the_future = EligibleBid { placed_at: 60, ..old };
    assert_eq!(weighs(weigh_by(by_age), from_the_future), 1, "never zero");
    assert_eq!(weighs(weigh_by(|bid, _| bid.amount + 1), old), 701);
}

#[test]
fn a_bid_without_weight_is_never_drawn() {
    let only_high = || weigh_by(|bid, _| bid.amount.saturating_sub(100));
    assert_eq!(draw([only_high()], &[bid(1, 100), bid(2, 101)]), (1, Selection::Bid(Uuid::from_u128(2))));
    assert_eq!(
        draw([only_high()], &[bid(1, 7)]),
        nobody(ExclusionCounts { weightless: 1, ..ExclusionCounts::default() })
    );
}

#[test]
fn weigh_at_most_caps_what_was_set_before() {
    let weight = |options: Vec<PromoterOption>| {
        Promoter::new(options).unwrap().settings().weight()(&bid(1, 700), &DrawContext::default())
    };
    assert_eq!(weight(vec![weigh_by(by_amount), weigh_at_most(50)]), 50);
    assert_eq!(weight(vec![weigh_by(by_amount), weigh_at_most(50), weigh_at_most(80)]), 50);
    assert_eq!(weight(vec![weigh_at_most(50), weigh_by(by_amount)]), 700, "what comes later replaces it");
    assert_eq!(refused([weigh_at_most(0)]), OptionError::WeightNone);
}

#[test]
fn at_most_counts_the_promotions_of_the_auction() {
    let promoter = Promoter::new([at_most(2)]).unwrap();
    let bids = [bid(1, 5)];
    let after =
        |promotions| promoter.draw(&DrawContext { promotions, bids: &bids, ..DrawContext::default() }).result;
    assert_eq!(after(1), Selection::Bid(Uuid::from_u128(1)));
    assert_eq!(after(2), Selection::Nobody(NoSelection::Enough));
    assert_eq!(refused([at_most(0)]), OptionError::AtMostNone);
}

#[test]
fn only_in_last_waits_for_the_end() {
    let promoter = Promoter::new([every(MINUTE), only_in_last(5 * MINUTE)]).unwrap();
    let bids = [bid(1, 5)];
    let at = |due_at| {
        promoter.draw(&DrawContext { due_at, ends_at: 1_000_000, bids: &bids, ..DrawContext::default() })
    };
    assert_eq!(at(699_999).result, Selection::Nobody(NoSelection::NotYet));
    assert_eq!(at(700_000).result, Selection::Bid(Uuid::from_u128(1)));
    let never = Duration::ZERO;
    assert_eq!(refused([only_in_last(never)]), OptionError::Window(never));
    let too_long = 32 * 1440 * MINUTE;
    assert_eq!(refused([only_in_last(too_long)]), OptionError::Window(too_long));
}

#[test]
fn a_window_shorter_than_an_interval_makes_no_sense_in_whatever_order() {
    let error = OptionError::WindowShorterThanInterval { window: MINUTE, every: 2 * MINUTE };
    assert_eq!(refused([every(2 * MINUTE), only_in_last(MINUTE)]), error);
    assert_eq!(refused([only_in_last(MINUTE), every(2 * MINUTE)]), error);
    assert!(Promoter::new([only_in_last(MINUTE), every(2 * MINUTE), every(MINUTE)]).is_ok());
}

#[test]
fn never_the_leader_leaves_out_all_bids_of_whoever_leads() {
    let leads = EligibleBid { bidder_leads: true, ..bid(1, 9) };
    assert_eq!(draw([never_the_leader()], &[leads, bid(2, 5)]), (1, Selection::Bid(Uuid::from_u128(2))));
    let excluded = ExclusionCounts { leading: 2, ..ExclusionCounts::default() };
    assert_eq!(draw([never_the_leader()], &[leads, leads]), nobody(excluded));
    assert_eq!(draw([], &[leads]).0, 1, "takes part unless left out");
}

#[test]
fn once_per_bidder_leaves_out_who_was_promoted() {
    let had = EligibleBid { bidder_promoted: true, ..bid(1, 9) };
    assert_eq!(draw([once_per_bidder()], &[had, bid(2, 5)]), (1, Selection::Bid(Uuid::from_u128(2))));
    assert_eq!(
        draw([once_per_bidder()], &[had]),
        nobody(ExclusionCounts { once: 1, ..ExclusionCounts::default() })
    );
    assert_eq!(draw([], &[had]).0, 1, "takes part unless left out");
}

#[test]
fn a_bid_is_never_promoted_twice() {
    let promoted = EligibleBid { promoted: true, ..bid(1, 9) };
    assert_eq!(draw([], &[promoted]), nobody(ExclusionCounts { promoted: 1, ..ExclusionCounts::default() }));
}

#[test]
fn chance_lets_some_intervals_go_by() {
    let promoter = Promoter::new([chance(250), seeded(Seed([3; 32]))]).unwrap();
    let bids = [bid(1, 5)];
    let held =
        |n| promoter.draw(&DrawContext { draw: Uuid::from_u128(n), bids: &bids, ..DrawContext::default() });
    let lucky = (0..4000).filter(|n| held(*n).result == Selection::Bid(bids[0].id)).count();
    // A thousand expected, with a deviation of 27.4: five of them either way.
    assert!((863..=1137).contains(&lucky), "{lucky}");
    let others = (0..4000).filter(|n| held(*n).result == Selection::Nobody(NoSelection::NoLuck)).count();
    assert_eq!(lucky + others, 4000);
    assert_eq!(refused([chance(0)]), OptionError::Chance(0));
    assert_eq!(refused([chance(1001)]), OptionError::Chance(1001));
    assert!(Promoter::new([chance(1000)]).is_ok());
}

#[test]
fn seeded_decides_the_choice() {
    let bids: Vec<EligibleBid> = (0..1000).map(|n| bid(n, 5)).collect();
    let choice = |seed| draw([seeded(Seed([seed; 32]))], &bids).1;
    assert_eq!(choice(1), choice(1));
    assert_ne!(choice(1), choice(2));
}

#[test]
fn all_is_its_options_in_order_and_stops_at_the_first_error() {
    let both = Promoter::new([all([every(MINUTE), every(2 * MINUTE)])]).unwrap();
    assert_eq!(both.settings().every(), 2 * MINUTE);
    assert_eq!(refused([all([at_most(0), chance(0)])]), OptionError::AtMostNone);
    assert!(Promoter::new([all([])]).is_ok());
}

#[test]
fn options_are_applied_in_order_and_the_first_error_stops() {
    let last = Promoter::new([at_most(1), at_most(2)]).unwrap();
    assert_eq!(last.settings().at_most(), Some(2));
    let unreachable = PromoterOption::new(|_| unreachable!("an option before it was refused"));
    assert_eq!(refused([at_most(0), unreachable]), OptionError::AtMostNone);
}

#[test]
fn an_option_of_ones_own_sees_what_came_before_and_can_refuse() {
    let twice = || {
        PromoterOption::new(|settings| {
            let every = settings.every() * 2;
            settings.set_every(every)
        })
    };
    assert_eq!(Promoter::new([every(MINUTE), twice(), twice()]).unwrap().settings().every(), 4 * MINUTE);
    let no = PromoterOption::new(|_| Err(OptionError::Other("not on Sundays".to_owned())));
    assert_eq!(refused([no]).to_string(), "not on Sundays");
}

#[test]
fn errors_say_what_makes_no_sense() {
    let says = |option| refused([option]).to_string();
    assert_eq!(says(every(Duration::ZERO)), "an interval must be from 100 ms to 31 days, not 0 ms");
    assert_eq!(says(chance(0)), "chance must be from 1 to 1000, out of 1000, not 0");
    let conflict = refused([every(2 * MINUTE), only_in_last(MINUTE)]).to_string();
    assert!(conflict.contains("60000 ms") && conflict.contains("120000 ms"), "{conflict}");
}

fn every_spec() -> Vec<(OptionSpec, &'static str)> {
    vec![
        (OptionSpec::EveryMs(60_000), r#"{"every_ms":60000}"#),
        (OptionSpec::WeighBy(WeightKind::Uniform), r#"{"weigh_by":"uniform"}"#),
        (OptionSpec::WeighBy(WeightKind::Amount), r#"{"weigh_by":"amount"}"#),
        (OptionSpec::WeighBy(WeightKind::Age), r#"{"weigh_by":"age"}"#),
        (OptionSpec::WeighAtMost(9), r#"{"weigh_at_most":9}"#),
        (OptionSpec::AtMost(3), r#"{"at_most":3}"#),
        (OptionSpec::OnlyInLastMs(3_600_000), r#"{"only_in_last_ms":3600000}"#),
        (OptionSpec::NeverTheLeader, r#""never_the_leader""#),
        (OptionSpec::OncePerBidder, r#""once_per_bidder""#),
        (OptionSpec::Chance(500), r#"{"chance":500}"#),
        (OptionSpec::All(vec![OptionSpec::AtMost(1)]), r#"{"all":[{"at_most":1}]}"#),
    ]
}

#[test]
fn what_is_written_down_is_read_back() {
    for (spec, text) in every_spec() {
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
        assert_eq!(serde_json::from_str::<OptionSpec>(text).unwrap(), spec);
    }
    assert!(serde_json::from_str::<OptionSpec>(r#"{"every_minute":1}"#).is_err());
    assert!(serde_json::from_str::<OptionSpec>(r#"{"weigh_by":"looks"}"#).is_err());
}

#[test]
fn an_option_from_data_is_the_option() {
    let specs: Vec<OptionSpec> = every_spec().into_iter().map(|(spec, _)| spec).collect();
    let from_data = Promoter::new(specs.into_iter().map(PromoterOption::from)).unwrap();
    let from_code = Promoter::new([
        every(MINUTE),
        weigh_by(by_age),
        weigh_at_most(9),
        at_most(1),
        only_in_last(60 * MINUTE),
        never_the_leader(),
        once_per_bidder(),
        chance(500),
    ])
    .unwrap();
    assert_eq!(format!("{:?}", from_data.settings()), format!("{:?}", from_code.settings()));
    let bids: Vec<EligibleBid> = (0..20).map(|n| EligibleBid { placed_at: n as i64, ..bid(n, 5) }).collect();
    for n in 0..50 {
        let round =
            DrawContext { draw: Uuid::from_u128(n), due_at: 30, bids: &bids, ..DrawContext::default() };
        assert_eq!(from_data.draw(&round), from_code.draw(&round));
    }
}
