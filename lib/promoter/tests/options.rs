//! Each option on its own, invalid options, the order of options, and options as data.

#![allow(clippy::unwrap_used)]

use auction_promoter::{
    CandidateBid, DrawContext, ExclusionCounts, NoBidReason, OptionError, OptionSpec, OptionValue, Promoter,
    PromoterOption, Seed, Selection, WeightKind, all, by_age, by_amount, exclude_leader, interval,
    max_doublings, max_weight, once_per_bidder, only_in_last, probability_permille, seeded, uniform,
    weigh_by,
};
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

fn bid(n: u128, amount: u64) -> CandidateBid {
    CandidateBid::new(Uuid::from_u128(n), Uuid::from_u128(n + 100), amount)
}

fn draw(options: impl IntoIterator<Item = PromoterOption>, bids: &[CandidateBid]) -> (u32, Selection) {
    let result = Promoter::new(options).unwrap().draw(&DrawContext { bids, ..DrawContext::default() });
    (result.eligible, result.selection)
}

fn error_of(options: impl IntoIterator<Item = PromoterOption>) -> OptionError {
    Promoter::new(options).unwrap_err()
}

fn no_bid(excluded: ExclusionCounts) -> (u32, Selection) {
    (0, Selection::NoBid(NoBidReason::NoEligibleBid(excluded)))
}

#[test]
fn promoter_without_options_has_defaults() {
    let promoter = Promoter::new([]).unwrap();
    assert_eq!(promoter.settings().interval(), Duration::from_secs(600));
    assert_eq!(draw([], &[bid(1, 5)]), (1, Selection::Bid(Uuid::from_u128(1))));
    assert_eq!(draw([], &[]), no_bid(ExclusionCounts::default()));
}

#[test]
fn promoter_can_be_shared_between_threads() {
    fn can_be_shared<T: Send + Sync + 'static>() {}
    fn can_be_sent<T: Send + 'static>() {}
    can_be_shared::<Promoter>();
    can_be_sent::<PromoterOption>();
}

#[test]
fn interval_has_limits() {
    assert_eq!(Promoter::new([interval(MINUTE)]).unwrap().settings().interval(), MINUTE);
    for invalid in [Duration::ZERO, Duration::from_millis(99), 32 * 1440 * MINUTE] {
        assert_eq!(error_of([interval(invalid)]), OptionError::Interval(invalid));
    }
    assert!(Promoter::new([interval(Duration::from_millis(100))]).is_ok());
}

#[test]
fn weigh_by_sets_the_weight() {
    let weighs = |option: PromoterOption, bid: CandidateBid| {
        let context = DrawContext { due_at: 50, ..DrawContext::default() };
        Promoter::new([option]).unwrap().settings().weight()(&bid, &context)
    };
    let old = CandidateBid { placed_at: 10, ..bid(1, 700) };
    assert_eq!(weighs(weigh_by(uniform), old), 1);
    assert_eq!(weighs(weigh_by(by_amount), old), 700);
    assert_eq!(weighs(weigh_by(by_age), old), 41);
    let from_the_future = CandidateBid { placed_at: 60, ..old };
    assert_eq!(weighs(weigh_by(by_age), from_the_future), 1, "never zero");
    assert_eq!(weighs(weigh_by(|bid, _| bid.amount + 1), old), 701);
}

#[test]
fn bid_of_weight_zero_is_never_drawn() {
    let only_high = || weigh_by(|bid, _| bid.amount.saturating_sub(100));
    assert_eq!(draw([only_high()], &[bid(1, 100), bid(2, 101)]), (1, Selection::Bid(Uuid::from_u128(2))));
    assert_eq!(
        draw([only_high()], &[bid(1, 7)]),
        no_bid(ExclusionCounts { zero_weight: 1, ..ExclusionCounts::default() })
    );
}

#[test]
fn max_weight_limits_the_weight_set_before() {
    let weight = |options: Vec<PromoterOption>| {
        Promoter::new(options).unwrap().settings().weight()(&bid(1, 700), &DrawContext::default())
    };
    assert_eq!(weight(vec![weigh_by(by_amount), max_weight(50)]), 50);
    assert_eq!(weight(vec![weigh_by(by_amount), max_weight(50), max_weight(80)]), 50);
    assert_eq!(weight(vec![max_weight(50), weigh_by(by_amount)]), 700, "a later weight replaces the limit");
    assert_eq!(error_of([max_weight(0)]), OptionError::MaxWeightZero);
}

#[test]
fn max_doublings_limits_the_doublings_per_auction() {
    let promoter = Promoter::new([max_doublings(2)]).unwrap();
    let bids = [bid(1, 5)];
    let after = |doublings| {
        promoter.draw(&DrawContext { doublings, bids: &bids, ..DrawContext::default() }).selection
    };
    assert_eq!(after(1), Selection::Bid(Uuid::from_u128(1)));
    assert_eq!(after(2), Selection::NoBid(NoBidReason::MaxDoublingsReached));
    assert_eq!(error_of([max_doublings(0)]), OptionError::MaxDoublingsZero);
}

#[test]
fn only_in_last_draws_in_the_window_only() {
    let promoter = Promoter::new([interval(MINUTE), only_in_last(5 * MINUTE)]).unwrap();
    let bids = [bid(1, 5)];
    let at = |due_at| {
        promoter.draw(&DrawContext { due_at, ends_at: 1_000_000, bids: &bids, ..DrawContext::default() })
    };
    assert_eq!(at(699_999).selection, Selection::NoBid(NoBidReason::WindowNotOpen));
    assert_eq!(at(700_000).selection, Selection::Bid(Uuid::from_u128(1)));
    let too_short = Duration::ZERO;
    assert_eq!(error_of([only_in_last(too_short)]), OptionError::Window(too_short));
    let too_long = 32 * 1440 * MINUTE;
    assert_eq!(error_of([only_in_last(too_long)]), OptionError::Window(too_long));
}

#[test]
fn window_shorter_than_the_interval_is_invalid_in_any_order() {
    let error = OptionError::WindowShorterThanInterval { window: MINUTE, interval: 2 * MINUTE };
    assert_eq!(error_of([interval(2 * MINUTE), only_in_last(MINUTE)]), error);
    assert_eq!(error_of([only_in_last(MINUTE), interval(2 * MINUTE)]), error);
    assert!(Promoter::new([only_in_last(MINUTE), interval(2 * MINUTE), interval(MINUTE)]).is_ok());
}

#[test]
fn exclude_leader_excludes_all_bids_of_the_leader() {
    let leads = CandidateBid { bidder_leads: true, ..bid(1, 9) };
    assert_eq!(draw([exclude_leader()], &[leads, bid(2, 5)]), (1, Selection::Bid(Uuid::from_u128(2))));
    let excluded = ExclusionCounts { leading: 2, ..ExclusionCounts::default() };
    assert_eq!(draw([exclude_leader()], &[leads, leads]), no_bid(excluded));
    assert_eq!(draw([], &[leads]).0, 1, "eligible by default");
}

#[test]
fn once_per_bidder_excludes_bidders_with_a_doubled_bid() {
    let other = CandidateBid { bidder_doubled: true, ..bid(1, 9) };
    assert_eq!(draw([once_per_bidder()], &[other, bid(2, 5)]), (1, Selection::Bid(Uuid::from_u128(2))));
    assert_eq!(
        draw([once_per_bidder()], &[other]),
        no_bid(ExclusionCounts { bidder_doubled: 1, ..ExclusionCounts::default() })
    );
    assert_eq!(draw([], &[other]).0, 1, "eligible by default");
}

#[test]
fn bid_is_never_doubled_twice() {
    let doubled = CandidateBid { doubled: true, ..bid(1, 9) };
    assert_eq!(draw([], &[doubled]), no_bid(ExclusionCounts { doubled: 1, ..ExclusionCounts::default() }));
}

#[test]
fn probability_permille_skips_some_intervals() {
    let promoter = Promoter::new([probability_permille(250), seeded(Seed([3; 32]))]).unwrap();
    let bids = [bid(1, 5)];
    let result =
        |n| promoter.draw(&DrawContext { draw: Uuid::from_u128(n), bids: &bids, ..DrawContext::default() });
    let drawn = (0..4000).filter(|n| result(*n).selection == Selection::Bid(bids[0].id)).count();
    // 1,000 are expected with a standard deviation of 27.4; five deviations are allowed.
    assert!((863..=1137).contains(&drawn), "{drawn}");
    let skipped =
        (0..4000).filter(|n| result(*n).selection == Selection::NoBid(NoBidReason::IntervalSkipped)).count();
    assert_eq!(drawn + skipped, 4000);
    assert_eq!(error_of([probability_permille(0)]), OptionError::Probability(0));
    assert_eq!(error_of([probability_permille(1001)]), OptionError::Probability(1001));
    assert!(Promoter::new([probability_permille(1000)]).is_ok());
}

#[test]
fn seed_determines_the_drawn_bid() {
    let bids: Vec<CandidateBid> = (0..1000).map(|n| bid(n, 5)).collect();
    let choice = |seed| draw([seeded(Seed([seed; 32]))], &bids).1;
    assert_eq!(choice(1), choice(1));
    assert_ne!(choice(1), choice(2));
}

#[test]
fn all_applies_options_in_order_until_the_first_error() {
    let both = Promoter::new([all([interval(MINUTE), interval(2 * MINUTE)])]).unwrap();
    assert_eq!(both.settings().interval(), 2 * MINUTE);
    assert_eq!(error_of([all([max_doublings(0), probability_permille(0)])]), OptionError::MaxDoublingsZero);
    assert!(Promoter::new([all([])]).is_ok());
}

#[test]
fn promoter_applies_options_in_order_until_the_first_error() {
    let last = Promoter::new([max_doublings(1), max_doublings(2)]).unwrap();
    assert_eq!(last.settings().max_doublings(), Some(2));
    let unreachable = PromoterOption::new(|_| unreachable!("an earlier option is invalid"));
    assert_eq!(error_of([max_doublings(0), unreachable]), OptionError::MaxDoublingsZero);
}

#[test]
fn custom_option_reads_earlier_settings_and_can_fail() {
    let twice = || {
        PromoterOption::new(|settings| {
            let interval = settings.interval() * 2;
            settings.set_interval(interval)
        })
    };
    assert_eq!(
        Promoter::new([interval(MINUTE), twice(), twice()]).unwrap().settings().interval(),
        4 * MINUTE
    );
    let no = PromoterOption::new(|_| Err(OptionError::Other("not on Sundays".to_owned())));
    assert_eq!(error_of([no]).to_string(), "not on Sundays");
}

#[test]
fn errors_name_the_option_and_its_limits() {
    let message = |option| error_of([option]).to_string();
    assert_eq!(message(interval(Duration::ZERO)), "an interval must be from 100 ms to 31 days, not 0 ms");
    assert_eq!(message(probability_permille(0)), "probability_permille must be from 1 to 1000, not 0");
    let conflict = error_of([interval(2 * MINUTE), only_in_last(MINUTE)]).to_string();
    assert!(conflict.contains("60000 ms") && conflict.contains("120000 ms"), "{conflict}");
}

fn every_spec() -> Vec<(OptionSpec, &'static str)> {
    vec![
        (OptionSpec::IntervalMs(60_000), r#"{"interval_ms":60000}"#),
        (OptionSpec::WeighBy(WeightKind::Uniform), r#"{"weigh_by":"uniform"}"#),
        (OptionSpec::WeighBy(WeightKind::Amount), r#"{"weigh_by":"amount"}"#),
        (OptionSpec::WeighBy(WeightKind::Age), r#"{"weigh_by":"age"}"#),
        (OptionSpec::MaxWeight(9), r#"{"max_weight":9}"#),
        (OptionSpec::MaxDoublings(3), r#"{"max_doublings":3}"#),
        (OptionSpec::OnlyInLastMs(3_600_000), r#"{"only_in_last_ms":3600000}"#),
        (OptionSpec::ExcludeLeader, r#""exclude_leader""#),
        (OptionSpec::OncePerBidder, r#""once_per_bidder""#),
        (OptionSpec::ProbabilityPermille(500), r#"{"probability_permille":500}"#),
        (OptionSpec::All(vec![OptionSpec::MaxDoublings(1)]), r#"{"all":[{"max_doublings":1}]}"#),
    ]
}

#[test]
fn specs_round_trip_and_earlier_names_are_accepted() {
    for (spec, text) in every_spec() {
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
        assert_eq!(serde_json::from_str::<OptionSpec>(text).unwrap(), spec);
    }
    for (earlier_name, spec) in [
        (r#"{"every_ms":60000}"#, OptionSpec::IntervalMs(60_000)),
        (r#"{"weigh_at_most":9}"#, OptionSpec::MaxWeight(9)),
        (r#"{"at_most":3}"#, OptionSpec::MaxDoublings(3)),
        (r#""never_the_leader""#, OptionSpec::ExcludeLeader),
        (r#"{"chance":500}"#, OptionSpec::ProbabilityPermille(500)),
    ] {
        assert_eq!(serde_json::from_str::<OptionSpec>(earlier_name).unwrap(), spec, "{earlier_name}");
    }
    assert!(serde_json::from_str::<OptionSpec>(r#"{"every_minute":1}"#).is_err());
    assert!(serde_json::from_str::<OptionSpec>(r#"{"weigh_by":"looks"}"#).is_err());
}

#[test]
fn spec_is_equivalent_to_its_option() {
    let specs: Vec<OptionSpec> = every_spec().into_iter().map(|(spec, _)| spec).collect();
    let from_data = Promoter::new(specs.into_iter().map(PromoterOption::from)).unwrap();
    let from_code = Promoter::new([
        interval(MINUTE),
        weigh_by(by_age),
        max_weight(9),
        max_doublings(1),
        only_in_last(60 * MINUTE),
        exclude_leader(),
        once_per_bidder(),
        probability_permille(500),
    ])
    .unwrap();
    assert_eq!(format!("{:?}", from_data.settings()), format!("{:?}", from_code.settings()));
    let bids: Vec<CandidateBid> =
        (0..20).map(|n| CandidateBid { placed_at: n as i64, ..bid(n, 5) }).collect();
    for n in 0..50 {
        let context =
            DrawContext { draw: Uuid::from_u128(n), due_at: 30, bids: &bids, ..DrawContext::default() };
        assert_eq!(from_data.draw(&context), from_code.draw(&context));
    }
}

/// Returns the option as JSON, with this value if it has one.
fn json(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| format!("{name:?}"), |value| format!("{{{name:?}:{value}}}"))
}

fn is_valid(json: &str) -> bool {
    let Ok(spec) = serde_json::from_str::<OptionSpec>(json) else { return false };
    // The shortest interval, so that every window is valid.
    Promoter::new([interval(Duration::from_millis(100)), spec.into()]).is_ok()
}

#[test]
fn descriptions_state_the_limits_of_every_option() {
    for option in OptionSpec::DESCRIPTIONS {
        let valid = |value: &str| is_valid(&json(option.name, Some(value)));
        match option.value {
            OptionValue::Absent => assert!(is_valid(&json(option.name, None)), "{option:?}"),
            OptionValue::Integer { minimum, maximum } => {
                let (below, above) = (i128::from(minimum) - 1, i128::from(maximum) + 1);
                assert!(valid(&minimum.to_string()) && valid(&maximum.to_string()), "{option:?}");
                assert!(!valid(&below.to_string()) && !valid(&above.to_string()), "{option:?}");
            }
            OptionValue::Choice(names) => {
                assert!(names.iter().all(|name| valid(&format!("{name:?}"))), "{option:?}");
                let kinds = [WeightKind::Uniform, WeightKind::Amount, WeightKind::Age];
                assert_eq!(serde_json::to_string(names).unwrap(), serde_json::to_string(&kinds).unwrap());
            }
            OptionValue::Options => assert!(valid(r#"["exclude_leader"]"#) && !valid("1"), "{option:?}"),
        }
    }
}

#[test]
fn descriptions_name_every_option() {
    // The error of an unknown option lists all names that are accepted.
    let error = serde_json::from_str::<OptionSpec>(r#""no_such_option""#).unwrap_err().to_string();
    let earlier = ["every_ms", "weigh_at_most", "at_most", "never_the_leader", "chance"];
    let accepted = error.split('`').skip(3).step_by(2).filter(|name| !earlier.contains(name));
    let described = OptionSpec::DESCRIPTIONS.iter().map(|option| option.name);
    assert_eq!(accepted.collect::<Vec<_>>(), described.collect::<Vec<_>>(), "{error}");
}
