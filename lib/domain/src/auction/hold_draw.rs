//! `HoldDraw`: draw a bid by lot, and let it count twice.

use super::{Auction, AuctionEvent, BiddingNotOpen, Draw};
use crate::detail::Refusal;
use crate::{Detail, Details, RefusedClass, Timestamp};
use thiserror::Error;

/// What a draw came to. Sent by the promoter, who drew; the auction checks that it was due, that it looked at
/// the right version, and that there was none of this number before. Whether it was honest shows when the
/// seed is revealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldDraw {
    /// The draw.
    pub draw: Box<Draw>,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HoldDrawRefusal {
    /// Bidding is not on.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// There are no draws in this auction.
    #[error("there are no draws in this auction")]
    NotPromoted,
    /// It is not due yet.
    #[error("the draw is not due yet")]
    TooEarly {
        /// When it is.
        due_at: Timestamp,
    },
    /// The next one is due: it counts as missed.
    #[error("the next draw is due already")]
    TooLate {
        /// The number of the one that is due.
        due: u64,
    },
    /// It was held before.
    #[error("this draw was held before")]
    AlreadyHeld,
    /// It looked at another version than that when it was due.
    #[error("the draw looked at version {at_version}, not at {due_at_version}, which it is due at")]
    OtherVersion {
        /// What it looked at.
        at_version: u64,
        /// What it has to look at.
        due_at_version: u64,
    },
    /// There is no such bid in this auction.
    #[error("there is no such bid in this auction")]
    UnknownBid,
}

impl Refusal for HoldDrawRefusal {
    fn code(&self) -> &'static str {
        match self {
            HoldDrawRefusal::NotOpen(not_open) => not_open.code(),
            HoldDrawRefusal::NotPromoted => "not_promoted",
            HoldDrawRefusal::TooEarly { .. } => "draw_too_early",
            HoldDrawRefusal::TooLate { .. } => "draw_too_late",
            HoldDrawRefusal::AlreadyHeld => "draw_already_held",
            HoldDrawRefusal::OtherVersion { .. } => "draw_of_another_version",
            HoldDrawRefusal::UnknownBid => "unknown_bid",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            HoldDrawRefusal::UnknownBid => RefusedClass::Unknown,
            _ => RefusedClass::Conflict,
        }
    }
    fn facts(&self) -> Details {
        match *self {
            HoldDrawRefusal::NotOpen(not_open) => not_open.facts(),
            HoldDrawRefusal::TooEarly { due_at } => vec![("due_at", Detail::Time(due_at))],
            HoldDrawRefusal::TooLate { due } => vec![("due", Detail::Count(due))],
            HoldDrawRefusal::OtherVersion { at_version, due_at_version } => {
                vec![
                    ("at_version", Detail::Count(at_version)),
                    ("due_at_version", Detail::Count(due_at_version)),
                ]
            }
            _ => Details::new(),
        }
    }
}

impl HoldDraw {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, HoldDrawRefusal> {
        let draw = &*self.draw;
        if auction.terms.promotion.is_none() {
            return Err(HoldDrawRefusal::NotPromoted);
        }
        auction.check_open(at)?;
        let due = auction.terms.draws_due(at);
        if draw.number <= auction.draws.recorded {
            return Err(HoldDrawRefusal::AlreadyHeld);
        }
        if draw.number > due {
            return Err(HoldDrawRefusal::TooEarly { due_at: auction.terms.draw_due_at(draw.number) });
        }
        if draw.number < due {
            return Err(HoldDrawRefusal::TooLate { due });
        }
        let due_at_version = auction.version_when_due(due);
        if draw.at_version != due_at_version {
            return Err(HoldDrawRefusal::OtherVersion { at_version: draw.at_version, due_at_version });
        }
        let chosen =
            draw.chosen.map(|bid| auction.bid(bid).ok_or(HoldDrawRefusal::UnknownBid)).transpose()?;
        let held = AuctionEvent::DrawHeld(self.draw.clone());
        // A bid that was taken back since stays drawn: there is no second draw for a better one.
        let doubled = chosen.filter(|bid| bid.is_live() && !bid.is_doubled());
        let doubling = doubled.into_iter().flat_map(|bid| auction.doubling(bid, at));
        Ok(auction.missed(draw.number - 1).into_iter().chain([held]).chain(doubling).collect())
    }
}

impl Auction {
    /// The draws up to that number of which nothing is known.
    pub(super) fn missed(&self, last: u64) -> Option<AuctionEvent> {
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

    /// In an auction of a minute with a draw every ten seconds.
    fn after(events: &[(u32, AuctionEvent)]) -> Auction {
        let mut auction = Some(given_terms(&promoted(), &[]));
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

    fn decide(
        hold: &HoldDraw,
        auction: &Auction,
        seconds: u32,
    ) -> Result<Vec<AuctionEvent>, HoldDrawRefusal> {
        hold.decide(auction, AT + DurationMs::seconds(seconds))
    }

    #[test]
    fn the_bid_that_was_drawn_counts_twice() {
        let auction = after(&[(1, placed(1, ADA, 300)), (2, placed(2, BOB, 500))]);
        let events = decide(&hold(1, 3, Some(1)), &auction, 10);
        assert_eq!(events, Ok(vec![held(1, 3, Some(1)), doubled(1, ADA, 600)]));
    }

    #[test]
    fn a_draw_that_found_nobody_leaves_an_event_too() {
        assert_eq!(decide(&hold(1, 1, None), &after(&[]), 10), Ok(vec![held(1, 1, None)]));
    }

    #[test]
    fn a_draw_looks_at_the_version_when_it_was_due() {
        let auction =
            after(&[(1, placed(1, ADA, 300)), (10, placed(2, BOB, 500)), (11, placed(3, ADA, 400))]);
        let other = HoldDrawRefusal::OtherVersion { at_version: 4, due_at_version: 2 };
        assert_eq!(decide(&hold(1, 4, Some(1)), &auction, 12), Err(other));
        assert!(decide(&hold(1, 2, Some(1)), &auction, 12).is_ok());
        // Nothing happened since the second one was due.
        assert!(decide(&hold(2, 4, Some(1)), &auction, 20).is_ok());
    }

    #[test]
    fn there_is_one_draw_in_each_interval() {
        let auction = after(&[(1, placed(1, ADA, 300)), (10, held(1, 2, None))]);
        assert_eq!(decide(&hold(1, 2, Some(1)), &auction, 11), Err(HoldDrawRefusal::AlreadyHeld));
        assert_eq!(decide(&hold(0, 2, Some(1)), &auction, 11), Err(HoldDrawRefusal::AlreadyHeld));
        let due_at = AT + DurationMs::seconds(20);
        assert_eq!(decide(&hold(2, 3, Some(1)), &auction, 19), Err(HoldDrawRefusal::TooEarly { due_at }));
        assert!(decide(&hold(2, 3, Some(1)), &auction, 20).is_ok());
        assert_eq!(decide(&hold(2, 3, Some(1)), &auction, 30), Err(HoldDrawRefusal::TooLate { due: 3 }));
    }

    #[test]
    fn draws_that_were_not_held_in_time_are_recorded_as_missed() {
        let missed = AuctionEvent::DrawsMissed { first: 1, last: 2 };
        assert_eq!(decide(&hold(3, 1, None), &after(&[]), 35), Ok(vec![missed.clone(), held(3, 1, None)]));
        let auction = after(&[(35, missed), (35, held(3, 1, None))]);
        assert_eq!(auction.draws().recorded, 3);
        assert_eq!(decide(&hold(4, 3, None), &auction, 40), Ok(vec![held(4, 3, None)]));
    }

    #[test]
    fn a_bid_that_was_taken_back_since_stays_drawn_and_is_not_doubled() {
        let auction = after(&[(1, placed(1, ADA, 300)), (11, deleted(1, ADA))]);
        assert_eq!(decide(&hold(1, 2, Some(1)), &auction, 12), Ok(vec![held(1, 2, Some(1))]));
        let auction = after(&[(1, placed(1, ADA, 300)), (11, doubled(1, ADA, 600))]);
        assert_eq!(decide(&hold(1, 2, Some(1)), &auction, 12), Ok(vec![held(1, 2, Some(1))]));
        assert_eq!(auction.bid(BidId(uuid::Uuid::from_u128(1))).map(Bid::is_doubled), Some(true));
    }

    #[test]
    fn a_bid_that_never_was_is_not_drawn() {
        assert_eq!(decide(&hold(1, 1, Some(9)), &after(&[]), 10), Err(HoldDrawRefusal::UnknownBid));
    }

    #[test]
    fn there_are_draws_while_a_promoted_auction_is_open() {
        let not_promoted = given(&[]);
        assert_eq!(decide(&hold(1, 1, None), &not_promoted, 10), Err(HoldDrawRefusal::NotPromoted));
        assert_eq!(not_promoted.draws_in_all(), 0);
        let ended = BiddingNotOpen::Ended { ends_at: END };
        assert_eq!(decide(&hold(6, 1, None), &after(&[]), 60), Err(ended.into()));
        let later = CreateAuction { starts_at: Some(AT + DurationMs::seconds(30)), ..promoted() };
        let later = given_terms(&later, &[]);
        let not_started = BiddingNotOpen::NotStarted { starts_at: AT + DurationMs::seconds(30) };
        assert_eq!(decide(&hold(1, 1, None), &later, 10), Err(not_started.into()));
        assert!(decide(&hold(1, 1, None), &later, 40).is_ok());
    }

    #[test]
    fn a_late_draw_that_changes_the_leader_extends() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..promoted() };
        let mut auction = Some(given_terms(&create, &[]));
        for event in [placed(1, ADA, 300), placed(2, BOB, 500)] {
            Auction::apply(&mut auction, &event, AT + DurationMs::seconds(45));
        }
        let events = decide(&hold(5, 3, Some(1)), &auction.unwrap(), 52).unwrap();
        assert_eq!(events[2..], [doubled(1, ADA, 600), extended()]);
    }

    #[test]
    fn draws_are_due_at_even_distances_from_the_start() {
        let auction = after(&[]);
        let terms: &Terms = auction.terms();
        assert_eq!(terms.draws_due(AT - DurationMs(1)), 0);
        assert_eq!(terms.draws_due(AT + DurationMs(9_999)), 0);
        assert_eq!(terms.draws_due(AT + DurationMs(10_000)), 1);
        assert_eq!(terms.draw_due_at(2), AT + DurationMs::seconds(20));
        // The sixth would be due at the end.
        assert_eq!(auction.draws_in_all(), 5);
    }
}
