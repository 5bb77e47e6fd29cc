//! Compares the auction with a naive reference model over random histories.
//!
//! `AUCTION_LONG=1` runs fifty times as many cases.

#![allow(clippy::unwrap_used)]

mod compare;
mod grounds;
mod large;
mod model;
mod moves;

use auction_domain::auction::*;
use auction_domain::{Details, RefusalInfo, RefusalType, Timestamp};
use compare::{check_outcome, check_state, observe};
use model::{Model, Sent};
use moves::{FIRST_TIME, Move, histories};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Returns a configuration with `cases` cases, or fifty times as many with `AUCTION_LONG=1`. Seeds of
/// failures are not stored: a failing case is printed after shrinking and belongs into a named test.
fn config(cases: u32) -> ProptestConfig {
    let long = std::env::var("AUCTION_LONG").is_ok_and(|v| v == "1");
    let cases = if long { cases * 50 } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Auction with all its events.
#[derive(Default)]
struct Run {
    auction: Option<Auction>,
    events: Vec<(AuctionEvent, Timestamp)>,
}

impl Run {
    fn send(&mut self, sent: &Sent) -> Result<Details, RefusalInfo> {
        let at = Timestamp(sent.at);
        let events = sent.command.decide(self.auction.as_ref(), sent.actor, sent.expected, at)?;
        for event in events {
            Auction::apply(&mut self.auction, &event, at);
            self.events.push((event, at));
        }
        Ok(self.auction.as_ref().map_or(Details::new(), |auction| sent.command.details(auction)))
    }
}

/// Sends all moves to the auction and to the model, and calls `after` after each move.
fn play(
    moves: &[Move],
    mut after: impl FnMut(&Sent, &Result<Details, RefusalInfo>, &Run) -> Result<(), TestCaseError>,
) -> Result<Run, TestCaseError> {
    let (mut run, mut model, mut now) = (Run::default(), None::<Model>, FIRST_TIME);
    for (serial, step) in moves.iter().enumerate() {
        let sent = step.sent(model.as_ref(), serial, now);
        now = sent.at;
        let outcome = run.send(&sent);
        let modelled = model::send(&mut model, &sent);
        check_outcome(&outcome, &modelled)
            .and_then(|()| check_state(run.auction.as_ref(), model.as_ref()))
            .map_err(|error| TestCaseError::fail(format!("{error}\nafter {sent:?}\nmodel: {model:#?}")))?;
        after(&sent, &outcome, &run)?;
    }
    Ok(run)
}

/// Returns the name of the command and its declared refusals.
fn declaration(command: &AuctionCommand) -> (&'static str, &'static [&'static RefusalType]) {
    match command {
        AuctionCommand::CreateAuction(_) => ("CreateAuction", CreateAuction::REFUSALS),
        AuctionCommand::PlaceBid(_) => ("PlaceBid", PlaceBid::REFUSALS),
        AuctionCommand::DeleteBid(_) => ("DeleteBid", DeleteBid::REFUSALS),
        AuctionCommand::DoubleBid(_) => ("DoubleBid", DoubleBid::REFUSALS),
        AuctionCommand::HoldDraw(_) => ("HoldDraw", HoldDraw::REFUSALS),
        AuctionCommand::RevealSeed(_) => ("RevealSeed", RevealSeed::REFUSALS),
        AuctionCommand::VoidBid(_) => ("VoidBid", VoidBid::REFUSALS),
        AuctionCommand::RetractBids(_) => ("RetractBids", RetractBids::REFUSALS),
        AuctionCommand::EndAuction(_) => ("EndAuction", EndAuction::REFUSALS),
        AuctionCommand::CancelAuction(_) => ("CancelAuction", CancelAuction::REFUSALS),
        AuctionCommand::CloseAuction(_) => ("CloseAuction", CloseAuction::REFUSALS),
    }
}

/// Outcomes that a run must reach. A run that misses one tests less than intended.
const OUTCOMES: &[&str] = &[
    "CreateAuction auction_exists",
    "CreateAuction ends_before_it_starts",
    "CreateAuction ends_in_the_past",
    "CreateAuction ok",
    "CreateAuction reserve_below_opening_bid",
    "CancelAuction auction_cancelled",
    "CancelAuction auction_closed",
    "CancelAuction not_your_auction",
    "CancelAuction ok",
    "CloseAuction auction_cancelled",
    "CloseAuction auction_closed",
    "CloseAuction ok",
    "CloseAuction too_early_to_close",
    "DeleteBid auction_cancelled",
    "DeleteBid auction_closed",
    "DeleteBid auction_ended",
    "DeleteBid bid_not_live",
    "DeleteBid not_your_bid",
    "DeleteBid ok",
    "DeleteBid too_late_to_delete",
    "DeleteBid unknown_bid",
    "DoubleBid already_doubled",
    "DoubleBid auction_cancelled",
    "DoubleBid auction_closed",
    "DoubleBid auction_ended",
    "DoubleBid auction_not_started",
    "DoubleBid bid_not_live",
    "DoubleBid ok",
    "DoubleBid unknown_bid",
    "EndAuction auction_ended",
    "EndAuction auction_not_started",
    "EndAuction not_your_auction",
    "EndAuction ok",
    "HoldDraw auction_cancelled",
    "HoldDraw auction_closed",
    "HoldDraw auction_ended",
    "HoldDraw auction_not_started",
    "HoldDraw draw_already_held",
    "HoldDraw draw_of_another_version",
    "HoldDraw draw_too_early",
    "HoldDraw draw_too_late",
    "HoldDraw not_promoted",
    "HoldDraw ok",
    "HoldDraw unknown_bid",
    "PlaceBid auction_cancelled",
    "PlaceBid auction_closed",
    "PlaceBid auction_ended",
    "PlaceBid auction_not_started",
    "PlaceBid below_opening_bid",
    "PlaceBid not_above_your_latest",
    "PlaceBid ok",
    "PlaceBid seller_may_not_bid",
    "PlaceBid unknown_auction",
    "PlaceBid version_conflict",
    "RetractBids auction_cancelled",
    "RetractBids auction_closed",
    "RetractBids no_live_bid",
    "RetractBids ok",
    "RevealSeed auction_not_over",
    "RevealSeed not_promoted",
    "RevealSeed ok",
    "RevealSeed seed_mismatch",
    "RevealSeed seed_already_revealed",
    "VoidBid auction_cancelled",
    "VoidBid auction_closed",
    "VoidBid bid_not_live",
    "VoidBid ok",
    "VoidBid unknown_bid",
    "extended by DeleteBid",
    "doubled by HoldDraw",
    "draws missed by HoldDraw",
    "draws missed by RevealSeed",
    "extended by DoubleBid",
    "extended by HoldDraw",
    "extended by PlaceBid",
    "extended by RetractBids",
    "extended by VoidBid",
    "sold",
    "unsold",
];

#[test]
fn auction_matches_the_reference_model() {
    let seen = RefCell::new(BTreeMap::<String, u32>::new());
    let count = |name: String| *seen.borrow_mut().entry(name).or_default() += 1;
    let mut runner = TestRunner::new(config(6_000));
    let result = runner.run(&histories(), |moves| {
        let mut events_before = 0;
        play(&moves, |sent, outcome, run| {
            let (name, refusals) = declaration(&sent.command);
            if let Err(refused) = outcome {
                let is_declared = refusals.iter().any(|refusal| refusal.code == refused.code);
                prop_assert!(is_declared, "{name} does not declare {}", refused.code);
            }
            count(format!("{name} {}", outcome.as_ref().map_or_else(|refused| refused.code, |_| "ok")));
            for (event, _) in &run.events[events_before..] {
                match event {
                    AuctionEvent::AuctionExtended { .. } => count(format!("extended by {name}")),
                    AuctionEvent::BidDoubled { .. } => count(format!("doubled by {name}")),
                    AuctionEvent::DrawsMissed { .. } => count(format!("draws missed by {name}")),
                    AuctionEvent::WinnerAnnounced(_) => count("sold".to_owned()),
                    AuctionEvent::AuctionClosedUnsold { .. } => count("unsold".to_owned()),
                    _ => {}
                }
            }
            events_before = run.events.len();
            Ok(())
        })?;
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    let missed: Vec<_> = OUTCOMES.iter().filter(|outcome| !seen.contains_key(**outcome)).collect();
    assert!(missed.is_empty(), "no move led to {missed:?}, only to {seen:#?}");
}

proptest! {
    #![proptest_config(config(1_500))]

    /// A restarted writer loads the state that it had before.
    #[test]
    fn replayed_events_give_the_same_auction(moves in histories()) {
        let run = play(&moves, |_, _, _| Ok(()))?;
        let mut replayed = None;
        for (event, at) in &run.events {
            Auction::apply(&mut replayed, event, *at);
        }
        prop_assert_eq!(replayed.as_ref().map(observe), run.auction.as_ref().map(observe));
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
                let mut resumed = Run { auction: restored.take(), events: Vec::new() };
                prop_assert_eq!(&resumed.send(sent), outcome, "the same outcome");
                restored = resumed.auction;
            } else {
                restored = run.auction.as_ref().map(|auction| Auction::restore(auction.state()));
            }
            prop_assert_eq!(restored.as_ref().map(observe), run.auction.as_ref().map(observe));
            prop_assert_eq!(restored.as_ref().map(Auction::state), run.auction.as_ref().map(Auction::state));
            Ok(())
        })?;
    }
}
