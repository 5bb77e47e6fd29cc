//! `HoldDraw`: records a draw and doubles the drawn bid.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision, Draw};
use crate::Timestamp;

/// Records the result of a draw that the promoter held. The auction checks that the draw is the last one due,
/// that it used the version at which it became due, and that its number is new. Whether the result follows
/// from the seed can be verified once the seed is revealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldDraw {
    pub draw: Box<Draw>,
}

refusals! {
    for HoldDraw: UnknownAuction, VersionConflict, AuctionNotStarted, AuctionEnded, AuctionClosed,
        AuctionCancelled, UnknownBid, NotPromoted;
    DrawTooEarly = Conflict("draw_too_early", "the draw is not due yet", INTERNAL_COMMAND)
        { due_at: Time = "time at which the draw is due" };
    DrawTooLate = Conflict("draw_too_late", "a later draw is already due, so this one is missed",
        INTERNAL_COMMAND) { due: Count = "number of the draw that is due" };
    DrawAlreadyHeld = Conflict("draw_already_held", "the draw is already recorded as held or missed",
        INTERNAL_COMMAND);
    DrawOfAnotherVersion = Conflict("draw_of_another_version",
        "the draw used version {at_version} of the auction, but became due at version {due_at_version}",
        INTERNAL_COMMAND) {
            at_version: Count = "version that the draw was made from",
            due_at_version: Count = "version that the draw must be made from",
        };
}

impl HoldDraw {
    pub(super) fn decide(&self, auction: &Auction, at: Timestamp) -> Decision {
        let draw = &*self.draw;
        if auction.terms.promotion.is_none() {
            return Err(NotPromoted.into());
        }
        auction.check_open(at)?;
        let due = auction.terms.draws_due(at);
        if draw.number <= auction.draws.recorded {
            return Err(DrawAlreadyHeld.into());
        }
        if draw.number > due {
            return Err(DrawTooEarly { due_at: auction.terms.draw_due_at(draw.number) }.into());
        }
        if draw.number < due {
            return Err(DrawTooLate { due }.into());
        }
        let due_at_version = auction.version_when_due(due);
        if draw.at_version != due_at_version {
            return Err(DrawOfAnotherVersion { at_version: draw.at_version, due_at_version }.into());
        }
        let chosen = draw.chosen.map(|bid| auction.bid(bid).ok_or(UnknownBid)).transpose()?;
        let held = AuctionEvent::DrawHeld(self.draw.clone());
        // A bid that was deleted after the draw became due stays the drawn one: there is no second draw.
        let bid_to_double = chosen.filter(|bid| bid.is_active() && !bid.is_doubled());
        let doubling = bid_to_double.into_iter().flat_map(|bid| auction.doubling(bid, at));
        Ok(auction.missed_draws(draw.number - 1).into_iter().chain([held]).chain(doubling).collect())
    }
}

impl Auction {
    /// Returns the event that records all unrecorded draws up to `last` as missed, if there are any.
    pub(super) fn missed_draws(&self, last: u64) -> Option<AuctionEvent> {
        let first = self.draws.recorded + 1;
        (first <= last).then_some(AuctionEvent::DrawsMissed { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::fixtures::*;
    use crate::auction::{Bid, CreateAuction, Terms};
    use crate::{BidId, DurationMs};

    /// Returns an auction of one minute with a draw every ten seconds, after events at these seconds.
    fn after(events: &[(u32, AuctionEvent)]) -> Auction {
        let mut auction = Some(given_terms(&create_promoted(), &[]));
        for (seconds, event) in events {
            Auction::apply(&mut auction, event, AT + DurationMs::seconds(*seconds));
        }
        auction.unwrap()
    }

    fn hold(number: u64, at_version: u64, chosen: Option<u128>) -> HoldDraw {
        HoldDraw { draw: Box::new(draw(number, at_version, chosen)) }
    }

    fn held(number: u64, at_version: u64, chosen: Option<u128>) -> AuctionEvent {
        AuctionEvent::DrawHeld(Box::new(draw(number, at_version, chosen)))
    }

    fn decide(hold: &HoldDraw, auction: &Auction, seconds: u32) -> Decision {
        hold.decide(auction, AT + DurationMs::seconds(seconds))
    }

    #[test]
    fn drawn_bid_is_doubled() {
        let auction = after(&[(1, placed(1, ADA, 300)), (2, placed(2, BOB, 500))]);
        let events = decide(&hold(1, 3, Some(1)), &auction, 10);
        assert_eq!(events, Ok(vec![held(1, 3, Some(1)), doubled(1, ADA, 600)]));
    }

    #[test]
    fn draw_without_a_bid_is_recorded() {
        assert_eq!(decide(&hold(1, 1, None), &after(&[]), 10), Ok(vec![held(1, 1, None)]));
    }

    #[test]
    fn draw_uses_the_version_at_which_it_became_due() {
        let auction =
            after(&[(1, placed(1, ADA, 300)), (10, placed(2, BOB, 500)), (11, placed(3, ADA, 400))]);
        let wrong_version = DrawOfAnotherVersion { at_version: 4, due_at_version: 2 };
        assert_eq!(decide(&hold(1, 4, Some(1)), &auction, 12), Err(wrong_version.into()));
        assert!(decide(&hold(1, 2, Some(1)), &auction, 12).is_ok());
        // There is no event since the second draw became due.
        assert!(decide(&hold(2, 4, Some(1)), &auction, 20).is_ok());
    }

    #[test]
    fn at_most_one_draw_is_recorded_per_interval() {
        let auction = after(&[(1, placed(1, ADA, 300)), (10, held(1, 2, None))]);
        assert_eq!(decide(&hold(1, 2, Some(1)), &auction, 11), Err(DrawAlreadyHeld.into()));
        assert_eq!(decide(&hold(0, 2, Some(1)), &auction, 11), Err(DrawAlreadyHeld.into()));
        let due_at = AT + DurationMs::seconds(20);
        assert_eq!(decide(&hold(2, 3, Some(1)), &auction, 19), Err(DrawTooEarly { due_at }.into()));
        assert!(decide(&hold(2, 3, Some(1)), &auction, 20).is_ok());
        assert_eq!(decide(&hold(2, 3, Some(1)), &auction, 30), Err(DrawTooLate { due: 3 }.into()));
    }

    #[test]
    fn late_draws_are_recorded_as_missed() {
        let missed = AuctionEvent::DrawsMissed { first: 1, last: 2 };
        assert_eq!(decide(&hold(3, 1, None), &after(&[]), 35), Ok(vec![missed.clone(), held(3, 1, None)]));
        let auction = after(&[(35, missed), (35, held(3, 1, None))]);
        assert_eq!(auction.draws().recorded, 3);
        assert_eq!(decide(&hold(4, 3, None), &auction, 40), Ok(vec![held(4, 3, None)]));
    }

    #[test]
    fn drawn_bid_deleted_since_is_recorded_but_not_doubled() {
        let auction = after(&[(1, placed(1, ADA, 300)), (11, deleted(1, ADA))]);
        assert_eq!(decide(&hold(1, 2, Some(1)), &auction, 12), Ok(vec![held(1, 2, Some(1))]));
        let auction = after(&[(1, placed(1, ADA, 300)), (11, doubled(1, ADA, 600))]);
        assert_eq!(decide(&hold(1, 2, Some(1)), &auction, 12), Ok(vec![held(1, 2, Some(1))]));
        assert_eq!(auction.bid(BidId(uuid::Uuid::from_u128(1))).map(Bid::is_doubled), Some(true));
    }

    #[test]
    fn unknown_bid_is_not_drawn() {
        assert_eq!(decide(&hold(1, 1, Some(9)), &after(&[]), 10), Err(UnknownBid.into()));
    }

    #[test]
    fn draws_are_held_only_in_open_promoted_auctions() {
        let not_promoted = given(&[]);
        assert_eq!(decide(&hold(1, 1, None), &not_promoted, 10), Err(NotPromoted.into()));
        assert_eq!(not_promoted.total_draws(), 0);
        let ended = AuctionEnded { ends_at: END };
        assert_eq!(decide(&hold(6, 1, None), &after(&[]), 60), Err(ended.into()));
        let later = CreateAuction { starts_at: Some(AT + DurationMs::seconds(30)), ..create_promoted() };
        let later = given_terms(&later, &[]);
        let not_started = AuctionNotStarted { starts_at: AT + DurationMs::seconds(30) };
        assert_eq!(decide(&hold(1, 1, None), &later, 10), Err(not_started.into()));
        assert!(decide(&hold(1, 1, None), &later, 40).is_ok());
    }

    #[test]
    fn late_draw_extends_when_the_leader_changes() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create_promoted() };
        let mut auction = Some(given_terms(&create, &[]));
        for event in [placed(1, ADA, 300), placed(2, BOB, 500)] {
            Auction::apply(&mut auction, &event, AT + DurationMs::seconds(45));
        }
        let events = decide(&hold(5, 3, Some(1)), &auction.unwrap(), 52).unwrap();
        assert_eq!(events[2..], [doubled(1, ADA, 600), extended()]);
    }

    #[test]
    fn draws_are_due_at_regular_intervals_from_the_start() {
        let auction = after(&[]);
        let terms: &Terms = auction.terms();
        assert_eq!(terms.draws_due(AT - DurationMs(1)), 0);
        assert_eq!(terms.draws_due(AT + DurationMs(9_999)), 0);
        assert_eq!(terms.draws_due(AT + DurationMs(10_000)), 1);
        assert_eq!(terms.draw_due_at(2), AT + DurationMs::seconds(20));
        // The sixth draw would be due at the end.
        assert_eq!(auction.total_draws(), 5);
    }
}
