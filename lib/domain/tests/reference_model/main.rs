//! Compares the auction with the plain model of the oracle over random histories.
//!
//! `AUCTION_LONG=1` runs fifty times as many cases.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod bidding_history;
mod large;
mod moves;
mod run;

use auction_domain::Refusal;
use auction_domain::auction::{Auction, UnknownAuction};
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

/// Events that a run must reach through each of these commands. A run that misses one tests less than intended, as
/// does one that misses an outcome of [`expected_outcomes`].
const CAUSES: &[(&str, &str)] = &[
    ("AuctionExtended", "delete_bid double_bid hold_draw place_bid retract_bids void_bid"),
    ("BidDoubled", "hold_draw"),
    ("DrawsMissed", "hold_draw reveal_seed"),
    ("WinnerAnnounced", "close_auction"),
    ("AuctionClosedUnsold", "close_auction"),
];

/// Declared refusals that no move reaches: the writer refuses before it asks the auction.
const REFUSED_BY_THE_WRITER: &[&str] = &["id_in_use", "unknown_sender", "bid_exists"];
/// An auction that has not started has no bid to delete, and without one the refusal is `unknown_bid`.
const NOT_REACHED: &str = "delete_bid auction_not_started";

/// Returns success and all declared refusals of each command of an auction.
fn expected_outcomes() -> Vec<String> {
    let of_auction = REFUSALS.iter().filter(|(_, refusals)| refusals.contains(&UnknownAuction::TYPE));
    let outcomes = of_auction.flat_map(|(kind, refusals)| {
        let codes = refusals.iter().map(|refusal| refusal.code);
        let codes = codes.filter(|code| !REFUSED_BY_THE_WRITER.contains(code));
        codes.chain(["ok"]).map(move |code| format!("{kind} {code}"))
    });
    outcomes.filter(|outcome| outcome != NOT_REACHED).collect()
}

/// Returns whether the kind of command declares a refusal with this code.
fn declares(kind: &str, code: &str) -> bool {
    let declared = REFUSALS.iter().find(|(declared, _)| *declared == kind);
    declared.is_some_and(|(_, refusals)| refusals.iter().any(|refusal| refusal.code == code))
}

/// Returns the name of the variant of an event.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn auction_matches_the_reference_model() {
    let seen = RefCell::new(BTreeMap::<String, u32>::new());
    let count = |name: String| *seen.borrow_mut().entry(name).or_default() += 1;
    let mut runner = TestRunner::new(config(6_000));
    let result = runner.run(&histories(), |moves| {
        play(&moves, |sent, outcome, run| {
            let kind = CommandBody::Auction(sent.command.clone()).kind();
            match outcome {
                Ok((events, _)) => {
                    count(format!("{kind} ok"));
                    events.iter().for_each(|event| count(format!("{} by {kind}", variant(event))));
                    // A repeat is decided again after its outcome was deleted (docs/adr/0012-retention.md).
                    let repeated = sent.command.decide(run.auction.as_ref(), sent.actor, None, sent.at);
                    prop_assert!(repeated.is_err(), "a repeat of {sent:?} has an effect: {repeated:?}");
                }
                Err(refused) => {
                    prop_assert!(declares(kind, refused.code), "{kind} does not declare {}", refused.code);
                    count(format!("{kind} {}", refused.code));
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
    let caused = CAUSES
        .iter()
        .flat_map(|(event, kinds)| kinds.split(' ').map(move |kind| format!("{event} by {kind}")));
    let expected = expected_outcomes().into_iter().chain(caused);
    let missed: Vec<_> = expected.filter(|outcome| !seen.contains_key(outcome)).collect();
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
