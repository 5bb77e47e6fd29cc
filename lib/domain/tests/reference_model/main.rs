//! Compares the auction with the plain model of the oracle over random histories.
//!
//! `AUCTION_LONG=1` runs fifty times as many cases.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod bidding_history;
mod large;
mod moves;
mod run;

use auction_domain::auction::{Auction, AuctionCommand};
use auction_oracle::auction::{SentCommand, apply};
use auction_wire::CommandBody;
use auction_wire::command::REFUSALS;
use moves::{FIRST_TIME, Move, histories};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use run::{Outcome, Run, check, execute};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Returns a configuration with `cases` cases, or fifty times as many with `AUCTION_LONG=1`. Seeds of
/// failures are not stored: a failing case is printed after shrinking and belongs into a named test.
fn config(cases: u32) -> ProptestConfig {
    let long = std::env::var("AUCTION_LONG").is_ok_and(|v| v == "1");
    let cases = if long { cases * 50 } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Sends all moves to the auction and to the model, and calls `after` after each move.
fn play(
    moves: &[Move],
    mut after: impl FnMut(&SentCommand, &Outcome, &Run) -> Result<(), TestCaseError>,
) -> Result<Run, TestCaseError> {
    let (mut run, mut now) = (Run::default(), FIRST_TIME);
    for (serial, step) in moves.iter().enumerate() {
        let sent = step.sent(run.model.as_ref(), serial, now);
        now = sent.at;
        let outcome = run.send(&sent)?;
        run.check().map_err(|error| TestCaseError::fail(format!("{error}\nafter {sent:?}")))?;
        after(&sent, &outcome, &run)?;
    }
    Ok(run)
}

/// Outcomes that a run must reach, by command. A run that misses one tests less than intended.
const OUTCOMES: &[(&str, &str)] = &[
    ("CreateAuction", "ok auction_exists ends_before_it_starts ends_in_the_past reserve_below_opening_bid"),
    ("CancelAuction", "ok auction_cancelled auction_closed not_your_auction"),
    ("CloseAuction", "ok auction_cancelled auction_closed too_early_to_close"),
    ("DeleteBid", "ok auction_cancelled auction_closed auction_ended bid_not_live not_your_bid"),
    ("DeleteBid", "too_late_to_delete unknown_bid"),
    ("DoubleBid", "ok auction_cancelled auction_closed auction_ended auction_not_started"),
    ("DoubleBid", "already_doubled bid_not_live unknown_bid"),
    ("EndAuction", "ok auction_ended auction_not_started not_your_auction"),
    ("HoldDraw", "ok auction_cancelled auction_closed auction_ended auction_not_started unknown_bid"),
    ("HoldDraw", "draw_already_held draw_of_another_version draw_too_early draw_too_late not_promoted"),
    ("PlaceBid", "ok auction_cancelled auction_closed auction_ended auction_not_started unknown_auction"),
    ("PlaceBid", "below_opening_bid not_above_your_latest seller_may_not_bid version_conflict"),
    ("RetractBids", "ok auction_cancelled auction_closed no_live_bid"),
    ("RevealSeed", "ok auction_not_over not_promoted seed_mismatch seed_already_revealed"),
    ("VoidBid", "ok auction_cancelled auction_closed bid_not_live unknown_bid"),
    ("AuctionExtended by", "DeleteBid DoubleBid HoldDraw PlaceBid RetractBids VoidBid"),
    ("BidDoubled by", "HoldDraw"),
    ("DrawsMissed by", "HoldDraw RevealSeed"),
    ("WinnerAnnounced by", "CloseAuction"),
    ("AuctionClosedUnsold by", "CloseAuction"),
];

/// Returns whether the command declares a refusal with this code.
fn declares(command: &AuctionCommand, code: &str) -> bool {
    let kind = CommandBody::Auction(command.clone()).kind();
    let declared = REFUSALS.iter().find(|(declared, _)| *declared == kind);
    declared.is_some_and(|(_, refusals)| refusals.iter().any(|refusal| refusal.code == code))
}

/// Returns the name of the variant of a command or an event.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn auction_matches_the_reference_model() {
    let seen = RefCell::new(BTreeMap::<String, u32>::new());
    let count = |name: String| *seen.borrow_mut().entry(name).or_default() += 1;
    let mut runner = TestRunner::new(config(6_000));
    let result = runner.run(&histories(), |moves| {
        play(&moves, |sent, outcome, _| {
            let name = variant(&sent.command);
            match outcome {
                Ok((events, _)) => {
                    count(format!("{name} ok"));
                    events.iter().for_each(|event| count(format!("{} by {name}", variant(event))));
                }
                Err(refused) => {
                    prop_assert!(
                        declares(&sent.command, refused.code),
                        "{name} does not declare {}",
                        refused.code
                    );
                    count(format!("{name} {}", refused.code));
                }
            }
            Ok(())
        })?;
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    let expected = |(name, outcomes): &(&str, &'static str)| {
        outcomes.split(' ').map(|outcome| format!("{name} {outcome}")).collect::<Vec<_>>()
    };
    let missed: Vec<_> =
        OUTCOMES.iter().flat_map(expected).filter(|outcome| !seen.contains_key(outcome)).collect();
    assert!(missed.is_empty(), "no move led to {missed:?}, only to {seen:#?}");
}

proptest! {
    #![proptest_config(config(1_500))]

    /// A restarted writer loads the state that it had before. The oracle accepts all events.
    #[test]
    fn replayed_events_give_the_same_auction(moves in histories()) {
        let run = play(&moves, |_, _, _| Ok(()))?;
        let (mut replayed, mut checked) = (None, None);
        for (event, at) in &run.events {
            Auction::apply(&mut replayed, event, *at);
            apply(&mut checked, event, *at).map_err(TestCaseError::fail)?;
        }
        check(replayed.as_ref(), run.model.as_ref())?;
        prop_assert_eq!(replayed.as_ref().map(Auction::state), run.auction.as_ref().map(Auction::state));
        prop_assert_eq!(run.auction.map_or(0, |auction| auction.version()), run.events.len() as u64);
    }

    /// A writer that loads a snapshot continues with the same state and the same outcomes.
    #[test]
    fn restored_auction_continues_like_the_original(moves in histories(), at in any::<Index>()) {
        let halfway = at.index(moves.len() + 1);
        let (mut steps, mut restored) = (0, None::<Auction>);
        play(&moves, |sent, outcome, run| {
            steps += 1;
            if steps > halfway {
                prop_assert_eq!(&execute(&mut restored, sent), outcome, "the same outcome");
            } else {
                restored = run.auction.as_ref().map(|auction| Auction::restore(auction.state()));
            }
            check(restored.as_ref(), run.model.as_ref())?;
            prop_assert_eq!(restored.as_ref().map(Auction::state), run.auction.as_ref().map(Auction::state));
            Ok(())
        })?;
    }
}
