//! The auction against a model that knows the rules and nothing else, over random lives of auctions.
//!
//! `AUCTION_LONG=1` runs fifty times as many.

#![allow(clippy::unwrap_used)]

mod compare;
mod grounds;
mod large;
mod model;
mod moves;

use auction_domain::auction::{Auction, AuctionCommand, AuctionEvent};
use auction_domain::{Details, Refused, Timestamp};
use compare::{look, same_answer, same_state};
use model::{Model, Sent};
use moves::{BEGINNING, Move, lives};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// So many cases, or fifty times as many on demand. A failing case is printed shrunk, and belongs into a
/// named test rather than into a file of seeds.
fn config(cases: u32) -> ProptestConfig {
    let long = std::env::var("AUCTION_LONG").is_ok_and(|v| v == "1");
    let cases = if long { cases * 50 } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One auction with all its events, as a writer would hold it.
#[derive(Default)]
struct Run {
    auction: Option<Auction>,
    events: Vec<(AuctionEvent, Timestamp)>,
}

impl Run {
    fn send(&mut self, sent: &Sent) -> Result<Details, Refused> {
        let at = Timestamp(sent.at);
        let events = sent.command.decide(self.auction.as_ref(), sent.actor, sent.expected, at)?;
        for event in events {
            Auction::apply(&mut self.auction, &event, at);
            self.events.push((event, at));
        }
        Ok(self.auction.as_ref().map_or(Details::new(), |auction| sent.command.facts(auction)))
    }
}

/// Sends all moves to both, and calls `after` after each.
fn play(
    moves: &[Move],
    mut after: impl FnMut(&Sent, &Result<Details, Refused>, &Run) -> Result<(), TestCaseError>,
) -> Result<Run, TestCaseError> {
    let (mut run, mut model, mut now) = (Run::default(), None::<Model>, BEGINNING);
    for (serial, step) in moves.iter().enumerate() {
        let sent = step.sent(model.as_ref(), serial, now);
        now = sent.at;
        let answer = run.send(&sent);
        let modelled = model::send(&mut model, &sent);
        same_answer(&answer, &modelled)
            .and_then(|()| same_state(run.auction.as_ref(), model.as_ref()))
            .map_err(|error| TestCaseError::fail(format!("{error}\nafter {sent:?}\nmodel: {model:#?}")))?;
        after(&sent, &answer, &run)?;
    }
    Ok(run)
}

fn name(command: &AuctionCommand) -> &'static str {
    match command {
        AuctionCommand::CreateAuction(_) => "CreateAuction",
        AuctionCommand::PlaceBid(_) => "PlaceBid",
        AuctionCommand::DeleteBid(_) => "DeleteBid",
        AuctionCommand::DoubleBid(_) => "DoubleBid",
        AuctionCommand::HoldDraw(_) => "HoldDraw",
        AuctionCommand::RevealSeed(_) => "RevealSeed",
        AuctionCommand::VoidBid(_) => "VoidBid",
        AuctionCommand::RetractBids(_) => "RetractBids",
        AuctionCommand::EndAuction(_) => "EndAuction",
        AuctionCommand::CancelAuction(_) => "CancelAuction",
        AuctionCommand::CloseAuction(_) => "CloseAuction",
    }
}

/// Every outcome there is; a run that misses one proves less than it seems to.
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
fn the_auction_does_what_the_model_does() {
    let seen = RefCell::new(BTreeMap::<String, u32>::new());
    let count = |outcome: String| *seen.borrow_mut().entry(outcome).or_default() += 1;
    let mut runner = TestRunner::new(config(6_000));
    let result = runner.run(&lives(), |moves| {
        let mut events_before = 0;
        play(&moves, |sent, answer, run| {
            let name = name(&sent.command);
            count(format!("{name} {}", answer.as_ref().map_or_else(|refused| refused.code, |_| "ok")));
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
    assert!(missed.is_empty(), "the moves never led to {missed:?}, but to {seen:#?}");
}

proptest! {
    #![proptest_config(config(1_500))]

    /// What a restarted writer reads back is what it held before.
    #[test]
    fn events_folded_anew_give_the_same_auction(moves in lives()) {
        let run = play(&moves, |_, _, _| Ok(()))?;
        let mut anew = None;
        for (event, at) in &run.events {
            Auction::apply(&mut anew, event, *at);
        }
        prop_assert_eq!(anew.as_ref().map(look), run.auction.as_ref().map(look));
        prop_assert_eq!(run.auction.map_or(0, |auction| auction.version()), run.events.len() as u64);
    }

    /// What a writer reads back from a snapshot is what it held before, and goes on as it would have.
    #[test]
    fn an_auction_restored_from_its_state_lives_on_as_the_same(moves in lives(), at in any::<Index>()) {
        let halfway = at.index(moves.len() + 1);
        let (mut steps, mut restored) = (0, None::<Auction>);
        play(&moves, |sent, answer, run| {
            steps += 1;
            if steps > halfway {
                let mut anew = Run { auction: restored.take(), events: Vec::new() };
                prop_assert_eq!(&anew.send(sent), answer, "the same answer");
                restored = anew.auction;
            } else {
                restored = run.auction.as_ref().map(|auction| Auction::restore(auction.memento()));
            }
            prop_assert_eq!(restored.as_ref().map(look), run.auction.as_ref().map(look));
            prop_assert_eq!(restored.as_ref().map(Auction::memento), run.auction.as_ref().map(Auction::memento));
            Ok(())
        })?;
    }
}
